import { expect } from "@playwright/test";
import type { BrowserContext, Page } from "@playwright/test";
import { copyBuild } from "#tests/support/built-copy.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import { test as base } from "./fixtures.ts";

export type Build = ReturnType<typeof copyBuild>;

/** Tests whose server runs a build of its own, which can become the next one. */
export const test = base.extend<{ build: Build; deploy: () => Promise<void> }>({
  // oxlint-disable-next-line no-empty-pattern -- Playwright reads what a fixture needs from its pattern
  build: async ({}, provide) => {
    const build = copyBuild();
    await provide(build);
    build.close();
  },
  server: async ({ provider, build }, provide) => {
    const env = { OPENAI_API_KEY: "test-key", OPENAI_BASE_URL: provider.baseUrl };
    const server = await openServerProcess({ main: build.main, env });
    await provide(server);
    await server.close();
  },
  deploy: async ({ server, build }, provide) => {
    await provide(async () => {
      await server.kill("SIGKILL");
      build.nextBuild();
      await server.restart();
    });
  },
});

/** Waits until the worker keeps the whole app and controls the page. */
export async function untilInstalled(page: Page): Promise<void> {
  await page.waitForFunction(async () => {
    await navigator.serviceWorker.ready;
    return navigator.serviceWorker.controller?.state === "activated";
  });
}

/** Has the browser look for a newer version, as it does by itself when a person comes back to the page. */
export const lookForUpdate = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    await (await navigator.serviceWorker.getRegistration())?.update();
  });

/** Waits until a newer worker keeps all of its app and waits for its turn; on a busy machine it fetches that for a while. */
export async function untilNextInstalled(page: Page): Promise<void> {
  await page.waitForFunction(async () => Boolean((await navigator.serviceWorker.getRegistration())?.waiting));
}

/** Makes pages of a context look like windows of the installed app, which a headless browser has none of. */
export const asInstalledWindows = async (context: BrowserContext): Promise<void> => {
  await context.addInitScript(() => {
    const ask = window.matchMedia.bind(window);
    window.matchMedia = (query) => ask(query.includes("display-mode") ? "all" : query);
  });
};

/** Counts how often a page is loaded from now on. */
export function countLoads(page: Page): () => number {
  let loads = 0;
  page.on("domcontentloaded", () => {
    loads += 1;
  });
  return () => loads;
}

/** Which build a page is of. */
export const buildOf = (page: Page): Promise<number> =>
  page.evaluate(() => Number(document.querySelector('meta[name="build"]')?.getAttribute("content") ?? 1));

export async function expectBuild(page: Page, build: number): Promise<void> {
  await expect.poll(() => buildOf(page).catch(() => 0), { timeout: 30_000 }).toBe(build);
}
