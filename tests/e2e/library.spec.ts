import { expect } from "@playwright/test";
import { expectFocused } from "./chat-page.ts";
import type { ChatPage } from "./chat-page.ts";
import { test } from "./fixtures.ts";

async function startChat(chat: ChatPage, prompt: string): Promise<void> {
  await chat.button("New chat").click();
  await chat.send(prompt);
  await expect(chat.articles).toHaveCount(2);
  await expect(chat.row(prompt)).toBeVisible();
}

test("a chat is listed under its first words, and opens by its link", async ({ chat }) => {
  await startChat(chat, "tides and moons");
  await startChat(chat, "bread without yeast");
  await chat.row("tides and moons").click();
  await expect(chat.articles.first()).toContainText("tides and moons");
  await chat.row("bread without yeast").click();
  await expect(chat.articles.first()).toContainText("bread without yeast");
});

test("a new name is shown at once, and after a reload", async ({ chat }) => {
  await startChat(chat, "tides and moons");
  await chat.chooseFromMenu("tides and moons", "Rename");
  const name = chat.page.getByRole("textbox", { name: "Title" });
  await name.fill("The sea");
  await name.press("Enter");
  await expect(chat.row("The sea")).toBeVisible();
  await chat.saved();
  await chat.page.reload();
  await expect(chat.row("The sea")).toBeVisible();
  await expect(chat.row("tides and moons")).toHaveCount(0);
});

test("delete takes a chat out of the list, Undo brings it back whole", async ({ chat }) => {
  await startChat(chat, "tides and moons");
  await startChat(chat, "bread without yeast");
  await chat.chooseFromMenu("tides and moons", "Delete");
  await expect(chat.row("tides and moons")).toHaveCount(0);
  await chat.button("Undo").click();
  await chat.row("tides and moons").click();
  await expect(chat.articles).toHaveCount(2);
});

test("a deleted chat is gone on the other device too", async ({ chat, secondDevice, app }) => {
  await startChat(chat, "tides and moons");
  await chat.saved();
  const device = await secondDevice(app.url);
  await expect(device.row("tides and moons")).toBeVisible();
  await chat.chooseFromMenu("tides and moons", "Delete");
  // Sooner than the next poll: the server says that the feed moved (R19).
  await expect(device.row("tides and moons")).toHaveCount(0, { timeout: 5_000 });
});

test("a second device shows the whole library, and fetches a chat when it is opened", async ({
  chat,
  secondDevice,
  app,
}) => {
  const prompts = Array.from({ length: 6 }, (_, i) => `question number ${i}`);
  for (const prompt of prompts) await startChat(chat, prompt);
  await chat.saved();
  const device = await secondDevice(app.url);
  for (const prompt of prompts) await expect(device.row(prompt)).toBeVisible();
  await device.row("question number 2").click();
  await expect(device.articles).toHaveCount(2);
  await expect(device.lastArticle).toContainText("A scripted answer.");
});

test("a pinned chat stands first", async ({ chat }) => {
  await startChat(chat, "tides and moons");
  await startChat(chat, "bread without yeast");
  await chat.chooseFromMenu("tides and moons", "Pin");
  await expect(
    chat.library
      .getByRole("link")
      .filter({ hasText: /tides|bread/u })
      .first(),
  ).toContainText("tides");
});

test("keys that come while the page is busy choose in a menu what they say", async ({ chat }) => {
  const { page } = chat;
  await startChat(chat, "tides and moons");
  await chat.row("tides and moons").hover();
  await chat.button("More actions for tides and moons").click();
  await expectFocused(page.getByRole("menu"));
  await page.keyboard.press("d");
  await expectFocused(page.getByRole("menuitem", { name: "Delete" }));
  const busy = page.evaluate(() => {
    const end = performance.now() + 1_000;
    while (performance.now() < end) JSON.stringify({ busy: end });
  });
  await Promise.all([busy, ...["ArrowUp", "ArrowUp", "ArrowUp", "Enter"].map((key) => page.keyboard.press(key))]);
  await expect(chat.library.getByRole("heading", { name: "Pinned" })).toBeVisible();
  await expect(chat.row("tides and moons")).toBeVisible();
});
