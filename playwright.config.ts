import { defineConfig, devices } from "@playwright/test";
import { findBrowser, findFirefox, findWebKit } from "./scripts/find-browser.mjs";

const browser = findBrowser();
const firefox = findFirefox();
/** It has a driver of its own, and Playwright only runs the test. */
const WEBKIT = "webkit.spec.ts";
const viewport = { width: 1280, height: 800 };

// Each spec starts a server and a scripted provider of its own (tests/e2e/fixtures.ts): no webServer here.
export default defineConfig({
  testDir: "tests/e2e",
  outputDir: "test-results/e2e",
  fullyParallel: false,
  forbidOnly: process.env["CI"] !== undefined,
  retries: process.env["CI"] === undefined ? 0 : 1,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: "list",
  use: {
    trace: process.env["TRACE"] === undefined ? "off" : "retain-on-failure",
    // Otherwise each test that passed is pictured too before its page closes; what a failed one showed is in its error context.
    screenshot: process.env["TRACE"] === undefined ? "off" : "only-on-failure",
    locale: "en-GB",
    timezoneId: "Europe/London",
  },
  projects: [
    {
      name: "chromium",
      testIgnore: WEBKIT,
      use: {
        ...devices["Desktop Chrome"],
        viewport,
        launchOptions: {
          ...(browser === undefined ? {} : { executablePath: browser }),
          args: [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
          ],
        },
      },
    },
    ...(firefox === undefined
      ? []
      : [
          {
            name: "firefox",
            testIgnore: WEBKIT,
            // What needs Chromium's developer tools or its one process for a tab, or Background Sync, which no other browser has.
            grepInvert: /@devtools|@renderer-process|@background-sync/u,
            use: {
              browserName: "firefox" as const,
              // Playwright drives a Firefox that it did not build over WebDriver BiDi.
              channel: "moz-firefox",
              viewport,
              launchOptions: {
                executablePath: firefox,
                // A machine without a mouse would be taken for a phone: a pointer that is fine, and can hover.
                firefoxUserPrefs: { "ui.primaryPointerCapabilities": 6, "ui.allPointerCapabilities": 6 },
              },
            },
          },
        ]),
    ...(findWebKit() === undefined ? [] : [{ name: "webkit", testMatch: WEBKIT }]),
  ],
});
