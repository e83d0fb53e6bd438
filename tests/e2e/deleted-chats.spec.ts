import { expect } from "@playwright/test";
import { answer } from "#tests/support/provider-behaviour.ts";
import { expectFocused, openSavedChat, withNetwork } from "./chat-page.ts";
import { test } from "./fixtures.ts";

test("a prompt queued in a chat that another device deleted waits until it is restored, then goes out once", async ({
  page,
  app,
  secondDevice,
}) => {
  const network = await withNetwork(page);
  const chat = await openSavedChat(page, app.url, "tides and moons");
  const device = await secondDevice(page.url());
  await expect(device.articles).toHaveCount(2);
  await network.cut();
  await chat.send("and lakes?");
  await expect(chat.log.getByText("Queued")).toBeVisible();
  await device.chooseFromMenu("tides and moons", "Delete");
  await device.saved();
  await network.restore();
  await expect(page.getByText("This chat was deleted")).toBeVisible({ timeout: 20_000 });
  await chat.saved();
  expect(app.provider.requests).toHaveLength(1);
  await device.button("Restore").click();
  await expect(chat.articles).toHaveCount(4, { timeout: 20_000 });
  await expect(device.lastArticle).toContainText("A scripted answer.");
  expect(app.provider.requests).toHaveLength(2);
});

test("deleting a chat ends the answer that another device asked for, and restoring brings back its text", async ({
  chat,
  app,
  secondDevice,
}) => {
  app.provider.script(answer(["one", " two", " three"], { pace: "gated" }));
  await chat.send("count");
  await app.provider.release(2);
  await expect(chat.lastArticle).toContainText("one two");
  const device = await secondDevice(app.url);
  await device.chooseFromMenu("count", "Delete");
  expect(await app.provider.requests[0]!.closed).toBe("aborted");
  await chat.button("Restore").click();
  await expect(chat.lastArticle).toContainText("one two");
  await expect(chat.lastArticle).toContainText("You stopped this answer.");
});

test("a prompt that waits goes out after restoring, as if the chat had never been deleted", async ({ chat, app }) => {
  app.provider.script(answer(["one", " two", " three"], { pace: "gated" }), answer("the second answer"));
  await chat.send("count");
  await app.provider.release(1);
  await chat.send("and then?");
  await expect(chat.log.getByText("Queued")).toBeVisible();
  await chat.chooseFromMenu("count", "Delete");
  expect(await app.provider.requests[0]!.closed).toBe("aborted");
  await chat.saved();
  expect(app.provider.requests).toHaveLength(1);
  await chat.button("Restore").click();
  await expect(chat.lastArticle).toContainText("the second answer");
  expect(app.provider.requests).toHaveLength(2);
});

test("the keyboard is at the words that say so after the open chat was deleted, and in the composer after it was restored", async ({
  chat,
}) => {
  await chat.send("tides and moons");
  await expect(chat.articles).toHaveCount(2);
  const { page } = chat;
  await chat.library.getByRole("button", { name: "More actions for tides and moons" }).focus();
  await page.keyboard.press("Enter");
  const remove = page.getByRole("menuitem", { name: "Delete" });
  await expect(remove).toBeVisible();
  await remove.focus();
  await page.keyboard.press("Enter");
  await expectFocused(page.getByRole("heading", { name: "This chat was deleted" }));
  // What a person types on, into a chat that another device deleted, must not bring it back.
  await page.keyboard.press("Enter");
  await page.keyboard.press("Space");
  await expect(chat.button("Restore")).toBeVisible();
  await page.keyboard.press("Tab");
  await expectFocused(chat.button("Restore"));
  await page.keyboard.press("Enter");
  await expect(chat.articles).toHaveCount(2);
  await expectFocused(chat.composer);
});
