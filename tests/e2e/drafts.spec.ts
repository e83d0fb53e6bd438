import { expect } from "@playwright/test";
import { test } from "./fixtures.ts";

test("each chat keeps its own draft, over switching and reload", async ({ chat }) => {
  await chat.send("first chat");
  await expect(chat.articles).toHaveCount(2);
  await chat.composer.fill("half a thought");
  await chat.button("New chat").click();
  await expect(chat.composer).toHaveValue("");
  await chat.send("second chat");
  await expect(chat.articles).toHaveCount(2);
  await chat.composer.fill("another thought");
  await chat.row("first chat").click();
  await expect(chat.composer).toHaveValue("half a thought");
  await chat.page.reload();
  await expect(chat.composer).toHaveValue("half a thought");
  await chat.row("second chat").click();
  await expect(chat.composer).toHaveValue("another thought");
});

test("a draft typed right before the tab is closed is there when it is opened again", async ({ chat, context }) => {
  await chat.send("a chat");
  await expect(chat.articles).toHaveCount(2);
  const url = chat.page.url();
  await chat.composer.pressSequentially("every single keystroke");
  await chat.page.close({ runBeforeUnload: false });
  const page = await context.newPage();
  await page.goto(url);
  await expect(page.getByRole("textbox", { name: "Message", exact: true })).toHaveValue("every single keystroke");
});

test("a second device gets the draft, and what it adds comes back", async ({ chat, secondDevice }) => {
  await chat.send("a chat");
  await expect(chat.articles).toHaveCount(2);
  await chat.composer.pressSequentially("from the first");
  await chat.saved();
  const device = await secondDevice(chat.page.url());
  await expect(device.composer).toHaveValue("from the first");
  await device.composer.press("End");
  await device.composer.pressSequentially(" and the second");
  await expect(chat.composer).toHaveValue("from the first and the second");
});

test("a draft written offline reaches the server later", async ({ chat, secondDevice, app }) => {
  await chat.send("a chat");
  await expect(chat.articles).toHaveCount(2);
  await chat.saved();
  await app.server.kill("SIGKILL");
  await chat.composer.pressSequentially("written in the dark");
  await expect(chat.syncStatus).toContainText("Offline");
  await app.server.restart();
  await chat.saved();
  const device = await secondDevice(chat.page.url());
  await expect(device.composer).toHaveValue("written in the dark");
});

test("sending empties the draft on every device", async ({ chat, secondDevice }) => {
  await chat.send("a chat");
  await expect(chat.articles).toHaveCount(2);
  await chat.composer.pressSequentially("second prompt");
  await chat.saved();
  const device = await secondDevice(chat.page.url());
  await expect(device.composer).toHaveValue("second prompt");
  await device.composer.press("Enter");
  await expect(chat.articles).toHaveCount(4);
  await expect(chat.composer).toHaveValue("");
  await expect(device.composer).toHaveValue("");
});
