import { expect } from "@playwright/test";
import { chatPage, openChatPage } from "./chat-page.ts";
import { cutFromServer } from "./device.ts";
import { test } from "./fixtures.ts";

test("P5: with the API and sync unreachable (the page's own files still served), chats and drafts are there after a reload", async ({
  chat,
}) => {
  await chat.send("tides and moons");
  await expect(chat.articles).toHaveCount(2);
  await expect(chat.lastArticle).toContainText("A scripted answer.");
  await chat.composer.fill("half a thought");
  await chat.saved();
  await cutFromServer(chat.page);
  await chat.page.reload();
  await expect(chat.row("tides and moons")).toBeVisible();
  await expect(chat.composer).toHaveValue("half a thought");
  await expect(chat.articles.first()).toContainText("tides and moons");
  await expect(chat.lastArticle).toContainText("A scripted answer.");
  await expect(chat.syncStatus).toContainText("Offline");
});

test("two tabs of one browser see each other's edits while the server is stopped", async ({ chat, app, context }) => {
  await chat.send("a chat");
  await expect(chat.articles).toHaveCount(2);
  await chat.saved();
  const other = await openChatPage(await context.newPage(), chat.page.url());
  await expect(other.articles).toHaveCount(2);
  await app.server.kill("SIGKILL");
  await chat.composer.fill("from the first tab");
  await expect(other.composer).toHaveValue("from the first tab");
  await other.composer.press("End");
  await other.composer.pressSequentially(", and the second");
  await expect(chat.composer).toHaveValue("from the first tab, and the second");
});

test(
  "A5: after the browser threw this site's data away, the status stays true and nothing in memory is lost",
  { tag: "@devtools" },
  async ({ chat, app, secondDevice }) => {
    await chat.send("a chat");
    await expect(chat.articles).toHaveCount(2);
    await chat.saved();
    const devtools = await chat.page.context().newCDPSession(chat.page);
    await app.server.kill("SIGKILL");
    await chat.composer.fill("before the eviction");
    await expect(chat.syncStatus).toContainText("Offline");
    await devtools.send("Storage.clearDataForOrigin", { origin: app.url, storageTypes: "indexeddb" });
    await chat.composer.fill("before the eviction, and after");
    await expect(chat.syncStatus).not.toContainText("Saved");
    await app.server.restart();
    await chat.saved();
    const device = await secondDevice(chat.page.url());
    await expect(device.composer).toHaveValue("before the eviction, and after");
    await chat.page.reload();
    await expect(chat.composer).toHaveValue("before the eviction, and after");
  },
);

test("C1: what a closed tab could not send is sent by the next start of the app, though its chat is not opened", async ({
  chat,
  app,
  context,
  secondDevice,
}) => {
  await chat.send("a chat");
  await expect(chat.articles).toHaveCount(2);
  await chat.saved();
  const url = chat.page.url();
  const page = await context.newPage();
  await openChatPage(page, app.url);
  await app.server.kill("SIGKILL");
  await chat.composer.fill("left behind");
  await expect(chat.syncStatus).toContainText(/Offline – [1-9]/u);
  await chat.page.close();
  await app.server.restart();
  await page.reload();
  await expect(chatPage(page).syncStatus).toContainText("Saved", { timeout: 20_000 });
  const device = await secondDevice(url);
  await expect(device.composer).toHaveValue("left behind");
});

test("C1: what a closed tab could not send is sent by another tab that stayed open", async ({
  chat,
  app,
  context,
  secondDevice,
}) => {
  await chat.send("a chat");
  await expect(chat.articles).toHaveCount(2);
  await chat.saved();
  const url = chat.page.url();
  const other = await openChatPage(await context.newPage(), app.url);
  await app.server.kill("SIGKILL");
  await chat.composer.fill("taken over");
  await expect(chat.syncStatus).toContainText(/Offline – [1-9]/u);
  await chat.page.close();
  await app.server.restart();
  await expect(other.syncStatus).toContainText("Saved", { timeout: 40_000 });
  const device = await secondDevice(url);
  await expect(device.composer).toHaveValue("taken over");
});
