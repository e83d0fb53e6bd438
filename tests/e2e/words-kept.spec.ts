import { expect } from "@playwright/test";
import { expectFocused } from "./chat-page.ts";
import { test } from "./fixtures.ts";

test("the new wording of a prompt outlives a reload and another chat, until it is given up", async ({ chat }) => {
  await chat.send("first wording");
  await expect(chat.articles).toHaveCount(2);
  const prompt = chat.prompts.first();
  await prompt.hover();
  await prompt.getByRole("button", { name: "Edit", exact: true }).click();
  const editor = prompt.getByRole("textbox");
  await editor.fill("a much better wording");
  await chat.page.reload();
  await expect(editor).toHaveValue("a much better wording");
  await chat.button("New chat").click();
  await expect(editor).toBeHidden();
  await chat.row("first wording").click();
  await expect(editor).toHaveValue("a much better wording");
  await prompt.getByRole("button", { name: "Cancel" }).click();
  await chat.page.reload();
  await expect(prompt).toContainText("first wording");
  await expect(editor).toBeHidden();
});

test("a system prompt typed right before the tab is closed is there when it is opened again", async ({
  chat,
  context,
}) => {
  await chat.send("a chat");
  await expect(chat.articles).toHaveCount(2);
  const url = chat.page.url();
  await chat.button("Chat settings").click();
  await chat.page.getByRole("textbox", { name: "System prompt" }).pressSequentially("Answer like a sailor.");
  await chat.page.close({ runBeforeUnload: false });
  const page = await context.newPage();
  await page.goto(url);
  await page.getByRole("button", { name: "Chat settings" }).click();
  await expect(page.getByRole("textbox", { name: "System prompt" })).toHaveValue("Answer like a sailor.");
});

test(
  "what another device writes waits until a composition ends, and both stay",
  { tag: "@devtools" },
  async ({ chat, secondDevice }) => {
    await chat.send("a chat");
    await expect(chat.articles).toHaveCount(2);
    await chat.composer.pressSequentially("see ");
    await chat.saved();
    const device = await secondDevice(chat.page.url());
    await expect(device.composer).toHaveValue("see ");
    const keyboard = await chat.page.context().newCDPSession(chat.page);
    const compose = (text: string) =>
      keyboard.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
    await compose("k");
    await expect(device.composer).toHaveValue("see k");
    await device.composer.press("Home");
    await device.composer.pressSequentially("please ");
    await device.saved();
    await compose("か");
    await compose("かん");
    await expect(device.composer).toHaveValue("please see かん");
    await expect(chat.composer).toHaveValue("see かん");
    await keyboard.send("Input.insertText", { text: "漢" });
    await expect(chat.composer).toHaveValue("please see 漢");
    await chat.composer.pressSequentially("字");
    await expect(device.composer).toHaveValue("please see 漢字");
  },
);

test("a draft is continued behind its words", async ({ chat }) => {
  await chat.send("a chat");
  await expect(chat.articles).toHaveCount(2);
  await chat.composer.fill("half a");
  await chat.page.reload();
  await expectFocused(chat.composer);
  await chat.page.keyboard.type(" thought");
  await expect(chat.composer).toHaveValue("half a thought");
});
