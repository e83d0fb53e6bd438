import { accessSync, constants } from "node:fs";
import { chromium } from "@playwright/test";

const USUAL_PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/snap/bin/chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

const isProgram = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/**
 * The Chromium the end-to-end tests drive: `CHROMIUM_PATH`, the system's, or the one Playwright downloaded.
 * A `CHROMIUM_PATH` that is no program answers nothing: it was set on purpose, so no other one may stand in.
 * @returns {string | undefined}
 */
export function findBrowser() {
  const chosen = process.env["CHROMIUM_PATH"];
  if (chosen) return isProgram(chosen) ? chosen : undefined;
  return [...USUAL_PLACES, chromium.executablePath()].find(isProgram);
}

/**
 * The Firefox ESR the end-to-end tests drive as well: `FIREFOX_PATH`, or the system's.
 * @returns {string | undefined}
 */
export function findFirefox() {
  const chosen = process.env["FIREFOX_PATH"];
  return [chosen ?? "/usr/bin/firefox-esr"].find(isProgram);
}

/**
 * WebKitGTK with its driver, and a screen for it, as Debian's webkit2gtk-driver and xvfb bring them.
 * @returns {{ browser: string, driver: string, screen: string } | undefined}
 */
export function findWebKit() {
  const driver = ["/usr/bin/WebKitWebDriver"].find(isProgram);
  const screen = ["/usr/bin/Xvfb"].find(isProgram);
  const browser = ["x86_64", "aarch64"]
    .map((machine) => `/usr/lib/${machine}-linux-gnu/webkit2gtk-4.1/MiniBrowser`)
    .find(isProgram);
  return browser && driver && screen && { browser, driver, screen };
}
