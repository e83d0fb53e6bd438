// Makes sure there is a Chromium for the end-to-end tests and prints where. Exits 1 with advice when it cannot.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { findBrowser } from "./find-browser.mjs";

const succeeds = (command, ...args) => spawnSync(command, args, { stdio: ["ignore", 2, 2] }).status === 0;

function installWithApt() {
  if (!existsSync("/usr/bin/apt-get")) return;
  const root = process.getuid?.() === 0;
  if (!root && spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status !== 0) return;
  const apt = (...args) => (root ? succeeds("apt-get", ...args) : succeeds("sudo", "-n", "apt-get", ...args));
  process.stderr.write("No Chromium found: installing it with apt-get.\n");
  if (apt("update")) apt("install", "-y", "--no-install-recommends", "chromium");
}

function installWithPlaywright() {
  process.stderr.write("No Chromium found: asking Playwright for one.\n");
  succeeds("npx", "playwright", "install", "chromium");
}

let browser = findBrowser();
for (const install of [installWithApt, installWithPlaywright]) {
  if (browser || process.env["CHROMIUM_PATH"]) break;
  install();
  browser = findBrowser();
}

if (browser) {
  process.stdout.write(`${browser}\n`);
} else {
  const chosen = process.env["CHROMIUM_PATH"];
  process.stderr.write(
    chosen
      ? `CHROMIUM_PATH is "${chosen}", which is no program that can be run. Correct it or unset it.\n`
      : "The end-to-end tests need Chromium and it could not be installed here. Install it with your package\n" +
          "manager, or set CHROMIUM_PATH to a Chromium or Chrome, and run the tests again.\n",
  );
  process.exitCode = 1;
}
