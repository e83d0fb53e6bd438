import { expect } from "@playwright/test";
import type { Page } from "@playwright/test";
import { chatPage, openChatPage, openSavedChat } from "./chat-page.ts";
import type { ChatPage } from "./chat-page.ts";
import { cutFromServer } from "./device.ts";
import { test } from "./fixtures.ts";

/** How long a count that does not grow any more is looked at, in ms: a busy page paints what it knows late. */
const AT_REST_MS = 400;
const waiting = (text: string | null): number => Number(/Offline – (\d+)/u.exec(text ?? "")?.[1] ?? 0);

/** What the status says waits on this device once it says the same for a while; 0 until then. */
async function countAtRest(chat: ChatPage): Promise<number> {
  const before = waiting(await chat.syncStatus.textContent());
  await chat.page.waitForTimeout(AT_REST_MS);
  return waiting(await chat.syncStatus.textContent()) === before ? before : 0;
}

test("A3: a newcomer whose browser is killed right after the first words is the same person afterwards", async ({
  app,
  ownBrowser,
}) => {
  const context = await ownBrowser.start();
  const chat = await openSavedChat(await context.newPage(), app.url, "tides and moons");
  await chat.composer.fill("and the first words of a draft");
  await chat.saved();
  const url = chat.page.url();
  await ownBrowser.kill();

  const restarted = await ownBrowser.start();
  const again = await openChatPage(await restarted.newPage(), url);
  await expect(again.articles).toHaveCount(2);
  await expect(again.composer).toHaveValue("and the first words of a draft");
  await again.send("what else?");
  await expect(again.articles).toHaveCount(4);
  await again.saved();
});

test("A3: a browser that is killed keeps every word that was said to be on this device, and the draft with it", async ({
  app,
  browser,
  ownBrowser,
}) => {
  test.setTimeout(180_000);
  const open = async (): Promise<Page> => {
    await ownBrowser.stop();
    const context = await ownBrowser.start();
    return context.pages()[0] ?? (await context.newPage());
  };
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
    expect(await ownBrowser.kill()).toBeGreaterThan(2);
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
