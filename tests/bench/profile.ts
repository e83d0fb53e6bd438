import { chromium } from "@playwright/test";
import type { BrowserContext, Page } from "@playwright/test";
import { findBrowser } from "../../scripts/find-browser.mjs";

// A real Chromium whose profile is on disk, as the benchmarks of what a device keeps start it.

/** Starts the browser on a profile. */
export async function openProfile(profile: string): Promise<BrowserContext> {
  const executablePath = findBrowser();
  return await chromium.launchPersistentContext(profile, {
    ...(executablePath === undefined ? {} : { executablePath }),
    args: ["--no-sandbox", "--disable-gpu"],
    viewport: { width: 1280, height: 800 },
  });
}

/** How many records a store of the app's database has on this device. */
export const countStored = (page: Page, store: string): Promise<number> =>
  page.evaluate(async (name) => {
    const found = (await indexedDB.databases()).find((database) => database.name?.startsWith("holdfast:"));
    const request = indexedDB.open(found?.name ?? "none");
    const db = await new Promise<IDBDatabase>((resolve) =>
      request.addEventListener("success", () => resolve(request.result)),
    );
    try {
      if (!db.objectStoreNames.contains(name)) return 0;
      const count = db.transaction(name).objectStore(name).count();
      return await new Promise<number>((resolve) => count.addEventListener("success", () => resolve(count.result)));
    } finally {
      db.close();
    }
  }, store);
