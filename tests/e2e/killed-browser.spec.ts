import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "@playwright/test";
import type { BrowserContext, LaunchOptions, Page } from "@playwright/test";
import { killBrowserOf } from "#tests/support/browser-processes.ts";
import { chatPage, openSavedChat } from "./chat-page.ts";
import type { ChatPage } from "./chat-page.ts";
import { cutFromServer } from "./device.ts";
import { test } from "./fixtures.ts";

/** A browser on a profile of its own on the disk, which can be killed and started again. */
async function onDisk(
  start: (profile: string, options: LaunchOptions) => Promise<BrowserContext>,
  launchOptions: LaunchOptions,
  play: (open: () => Promise<Page>, profile: string) => Promise<void>,
): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), "holdfast-profile-"));
  let context: BrowserContext | undefined;
  try {
    await play(async () => {
      await context?.close().catch(() => undefined); // it may have been killed
      context = await start(profile, launchOptions);
      return context.pages()[0] ?? (await context.newPage());
    }, profile);
  } finally {
    await context?.close().catch(() => undefined);
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** How long a count that does not grow any more is looked at, in ms: a busy page paints what it knows late. */
const AT_REST_MS = 400;
const waiting = (text: string | null): number => Number(/Offline – (\d+)/u.exec(text ?? "")?.[1] ?? 0);

/** What the status says waits on this device once it says the same for a while; 0 until then. */
async function countAtRest(chat: ChatPage): Promise<number> {
  const before = waiting(await chat.syncStatus.textContent());
  await chat.page.waitForTimeout(AT_REST_MS);
  return waiting(await chat.syncStatus.textContent()) === before ? before : 0;
}

test("A3: a browser that is killed keeps every word that was said to be on this device, and the draft with it", async ({
  playwright,
  launchOptions,
  app,
  browser,
  browserName,
}) => {
  test.skip(browserName !== "chromium", "its processes are found by Chromium's switches");
  test.setTimeout(180_000);
  const start = (profile: string, options: LaunchOptions): Promise<BrowserContext> =>
    playwright.chromium.launchPersistentContext(profile, options);
  await onDisk(start, launchOptions, async (open, profile) => {
    // Somebody who was here before: what a newcomer is takes the browser half a minute to write down.
    const first = await openSavedChat(await open(), app.url, "tides and moons");
    const url = first.page.url();
    const cookies = await first.page.context().cookies();

    for (let round = 1; round <= 3; round++) {
      const page = await open();
      const chat = chatPage(page);
      await cutFromServer(page);
      await page.goto(url);
      await expect(chat.articles).toHaveCount(2);
      await chat.composer.press("End");
      let said = await chat.composer.inputValue();
      for (let word = 1; word <= 12; word++) {
        const before = waiting(await chat.syncStatus.textContent());
        await chat.composer.pressSequentially(`${round}.${word} `);
        // The count grows when a transaction is complete: with part of the word, and then with all of it.
        await expect.poll(() => countAtRest(chat)).toBeGreaterThan(before);
        said = await chat.composer.inputValue();
      }
      // In the middle of a word.
      const typing = chat.composer
        .pressSequentially("and words that were never said to be stored")
        .catch(() => undefined);
      expect(killBrowserOf(profile)).toBeGreaterThan(2);
      await typing;

      const restarted = await open();
      const again = chatPage(restarted);
      await cutFromServer(restarted);
      await restarted.goto(url);
      await expect(again.articles).toHaveCount(2);
      await expect(again.composer).toHaveValue(new RegExp(`^${said.replaceAll(".", "\\.")}`, "u"));
      await expect(again.syncStatus).toContainText(/Offline – [1-9]/u);
    }

    // And all of it goes to the server, once there is one.
    const page = await open();
    await page.goto(url);
    const chat = chatPage(page);
    await chat.saved();
    const words = await chat.composer.inputValue();
    const device = await browser.newContext();
    await device.addCookies(cookies);
    const elsewhere = chatPage(await device.newPage());
    await elsewhere.page.goto(url);
    await expect(elsewhere.composer).toHaveValue(words);
    await device.close();
  });
});
