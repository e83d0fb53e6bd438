import { expect } from "@playwright/test";
import { syncInBackground } from "./background-sync.ts";
import { openChatPage, openSavedChat } from "./chat-page.ts";
import { test } from "./fixtures.ts";
import { untilInstalled } from "./installed-page.ts";

test(
  "P5, P3: with no page open the service worker delivers what was written offline: once, in order",
  { tag: "@background-sync" },
  async ({ app, ownBrowser: browser, secondDevice }) => {
    test.setTimeout(120_000);
    const context = await browser.start();
    const chat = await openSavedChat(await context.newPage(), app.url, "Old chat");
    const oldUrl = chat.page.url();
    await untilInstalled(chat.page);
    const before = app.provider.requests.length;

    await app.server.kill("SIGKILL");
    await chat.composer.fill("a draft of the train");
    await chat.button("New chat").click();
    const prompts = ["First?", "Second?", "Third?"];
    for (const prompt of prompts) await chat.send(prompt);
    await expect(chat.log.getByText("Queued", { exact: true })).toHaveCount(3);
    await expect(chat.syncStatus).toContainText(/Offline – \d+ changes on this device/u, { timeout: 60_000 });
    const newUrl = chat.page.url();
    await chat.page.close();

    await app.server.restart();
    expect(context.pages().filter((page) => page.url().startsWith(app.url))).toEqual([]);
    await syncInBackground(context, app.url);
    await expect.poll(() => app.provider.requests.length, { timeout: 60_000 }).toBe(before + 3);
    const asked = app.provider.requests.slice(before).map(({ body }) => String(body.messages.at(-1)?.content));
    expect(asked).toEqual(prompts);

    const other = await secondDevice(app.url, await context.cookies());
    await other.page.goto(newUrl);
    await expect(other.articles).toHaveCount(6);
    await expect(other.prompts).toHaveCount(3);
    await other.page.goto(oldUrl);
    await expect(other.composer).toHaveValue("a draft of the train");

    // The page that comes back has nothing left to do.
    const again = await openChatPage(await context.newPage(), newUrl);
    await again.saved();
    await expect(again.articles).toHaveCount(6);
    expect(app.provider.requests).toHaveLength(before + 3);
  },
);
