// Makes sure that the browsers of the end-to-end tests are there, as far as this machine can have them, and prints where
// Chromium is. Without Chromium it exits 1 with advice; without the others their tests are left out, and that is said.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { findBrowser, findFirefox, findWebKit } from "./find-browser.mjs";

const BROWSERS = [
  { name: "Chromium", find: findBrowser, chosen: process.env["CHROMIUM_PATH"], packages: ["chromium"] },
  { name: "Firefox ESR", find: findFirefox, chosen: process.env["FIREFOX_PATH"], packages: ["firefox-esr"] },
  { name: "WebKitGTK", find: findWebKit, chosen: undefined, packages: ["webkit2gtk-driver", "xvfb"] },
];

const say = (text) => process.stderr.write(`${text}\n`);
const succeeds = (command, ...args) => spawnSync(command, args, { stdio: ["ignore", 2, 2] }).status === 0;
// What was chosen by hand and is not there is to be corrected, not replaced.
const missing = () => BROWSERS.filter(({ find, chosen }) => !chosen && find() === undefined);

function installWithApt() {
  if (!existsSync("/usr/bin/apt-get")) return;
  const root = process.getuid?.() === 0;
  if (!root && spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status !== 0) return;
  const apt = (...args) => (root ? succeeds("apt-get", ...args) : succeeds("sudo", "-n", "apt-get", ...args));
  const wanted = missing();
  say(`Installing with apt-get: ${wanted.map(({ name }) => name).join(", ")}.`);
  if (!apt("update")) return;
  for (const { packages } of wanted) apt("install", "-y", "--no-install-recommends", ...packages);
}

if (missing().length > 0) installWithApt();
if (findBrowser() === undefined && !process.env["CHROMIUM_PATH"]) {
  say("No Chromium found: asking Playwright for one.");
  succeeds("npx", "playwright", "install", "chromium");
}

for (const { name, find } of BROWSERS.slice(1)) {
  if (find() === undefined) say(`${name} is not here: its end-to-end tests are left out.`);
}
const browser = findBrowser();
if (browser) {
  process.stdout.write(`${browser}\n`);
} else {
  const chosen = process.env["CHROMIUM_PATH"];
  say(
    chosen
      ? `CHROMIUM_PATH is "${chosen}", which is no program that can be run. Correct it or unset it.`
      : "The end-to-end tests need Chromium and it could not be installed here. Install it with your package\n" +
          "manager, or set CHROMIUM_PATH to a Chromium or Chrome, and run the tests again.",
  );
  process.exitCode = 1;
}
