// Draws the icons of the installed app from `public/favicon.svg` into `public/icons`: `node scripts/draw-icons.mjs`.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";
import { findBrowser } from "./find-browser.mjs";

const publicFolder = fileURLToPath(new URL("../public", import.meta.url));
const favicon = readFileSync(join(publicFolder, "favicon.svg"), "utf8");
const [drawing] = /<g[\s\S]*<\/g>/.exec(favicon);
const [, ground] = /<rect[^>]*fill="([^"]+)"/.exec(favicon);

/** Light from above on the ground colour; `corner` in the 32 units of the favicon. */
const plate = (corner) => `<defs><linearGradient id="light" x1="0" y1="0" x2="0" y2="1">
  <stop offset="0" stop-color="#16706d"/><stop offset="0.55" stop-color="${ground}"/><stop offset="1" stop-color="#0b4a48"/>
</linearGradient></defs><rect width="32" height="32" rx="${corner}" fill="url(#light)"/>`;

/** The drawing at a size around the middle. */
const scaled = (scale, group = drawing) =>
  `<g transform="translate(16 16) scale(${scale}) translate(-16 -16)">${group}</g>`;

/** Systems cut a maskable icon to any shape that holds the middle 80 %: its ground goes to the edges. */
const LOOKS = {
  icon: { sizes: [192, 512], inner: plate(8) + scaled(1) },
  maskable: { sizes: [192, 512], inner: plate(0) + scaled(0.78) },
  // Systems paint it in a colour of their own, by its shape alone.
  monochrome: { sizes: [512], inner: scaled(1.1, drawing.replace(/stroke="[^"]+"/, 'stroke="#fff"')) },
  // The system rounds the corners.
  "apple-touch-icon": { sizes: [180], inner: plate(0) + scaled(0.92) },
};

const executablePath = findBrowser();
const browser = await chromium.launch({ ...(executablePath && { executablePath }), args: ["--no-sandbox"] });
const page = await browser.newPage();
mkdirSync(join(publicFolder, "icons"), { recursive: true });
for (const [name, { sizes, inner }] of Object.entries(LOOKS)) {
  for (const size of sizes) {
    await page.setViewportSize({ width: size, height: size });
    await page.setContent(
      `<body style="margin:0"><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="${size}" height="${size}" style="display:block">${inner}</svg>`,
    );
    const file = name === "apple-touch-icon" ? `${name}.png` : `${name}-${size}.png`;
    writeFileSync(join(publicFolder, "icons", file), await page.screenshot({ omitBackground: true }));
  }
}
await browser.close();
