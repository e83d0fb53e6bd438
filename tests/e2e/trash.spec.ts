import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";
import type { Locator, Page } from "@playwright/test";
import Database from "better-sqlite3";
import { expectFocused, openChatPage, openSavedChat, withNetwork } from "./chat-page.ts";
import type { ChatPage } from "./chat-page.ts";
import { test } from "./fixtures.ts";

const trashOf = (page: Page) => {
  const list = page.getByRole("list", { name: "Deleted chats" });
  return {
    rows: list.getByRole("listitem"),
    row: (title: string): Locator => list.getByRole("listitem").filter({ hasText: title }),
    heading: page.getByRole("heading", { name: "Trash", exact: true }),
  };
};

async function openTrash(chat: ChatPage) {
  await chat.library.getByRole("link", { name: "Trash" }).click();
  const trash = trashOf(chat.page);
  await expect(trash.heading).toBeVisible();
  return trash;
}

/** Types a new wording of the first prompt, and leaves it at that. */
async function editLeftOpen(chat: ChatPage, wording: string): Promise<void> {
  await chat.articles.first().getByRole("button", { name: "Edit", exact: true }).click();
  await chat.page.getByRole("textbox", { name: "Edit message" }).fill(wording);
}

const smallStorageOf = ({ page }: ChatPage): Promise<string> => page.evaluate(() => JSON.stringify(localStorage));

async function deleted(chat: ChatPage, title: string): Promise<void> {
  await chat.chooseFromMenu(title, "Delete");
  await expect(chat.row(title)).toHaveCount(0);
}

test("a deleted chat is in the trash with its last day, and comes back whole", async ({ page, app }) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  await deleted(chat, "tides and moons");
  const trash = await openTrash(chat);
  await expect(page).toHaveTitle(/Trash/u);
  await expect(trash.row("tides and moons")).toContainText("Erased in 30 days");
  await page.reload();
  await chat.button("Restore tides and moons").click();
  await expect(trash.rows).toHaveCount(0);
  await expect(page.getByText("The trash is empty")).toBeVisible();
  await expectFocused(trash.heading);
  await chat.row("tides and moons").click();
  await expect(chat.articles).toHaveCount(2);
});

test("erasing asks first, then takes the chat from the server and from every device", async ({
  page,
  app,
  secondDevice,
}) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  const device = await secondDevice(app.url);
  await device.row("tides and moons").click();
  for (const one of [chat, device]) {
    await editLeftOpen(one, "a wording not sent");
    expect(await smallStorageOf(one)).toContain("a wording not sent");
  }
  await deleted(chat, "tides and moons");
  const there = await openTrash(device);
  await expect(there.row("tides and moons")).toBeVisible();
  const trash = await openTrash(chat);
  await chat.button("Erase tides and moons").click();
  const dialog = page.getByRole("dialog", { name: "Erase “tides and moons”?" });
  await expect(dialog).toContainText("lost for ever");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expectFocused(chat.button("Erase tides and moons"));
  await chat.button("Erase tides and moons").click();
  await dialog.getByRole("button", { name: "Erase", exact: true }).click();
  await expect(trash.rows).toHaveCount(0);
  await expect(there.rows).toHaveCount(0, { timeout: 15_000 });
  for (const one of [chat, device]) expect(await smallStorageOf(one)).not.toContain("a wording not sent");
  const database = new Database(join(app.server.dataDir, "holdfast.sqlite"), { readonly: true });
  expect(database.prepare("select count(*) from doc_update").pluck().get()).toBe(0);
  database.close();
  await chat.saved();
  await page.reload();
  await expect(page.getByText("The trash is empty")).toBeVisible();
});

test("the trash is emptied at once; the keyboard goes on where a row was", async ({ page, app }) => {
  const chat = await openChatPage(page, app.url);
  const titles = ["one of three", "two of three", "three of three"];
  for (const [index, title] of titles.entries()) {
    if (index > 0) await chat.button("New chat").click();
    await chat.send(title);
    await expect(chat.articles).toHaveCount(2);
    await expect(chat.row(title)).toBeVisible();
  }
  await chat.saved();
  for (const title of titles) await deleted(chat, title);
  const trash = await openTrash(chat);
  await expect(trash.rows).toHaveCount(3);
  await expect(trash.rows.first()).toContainText("three of three");
  await chat.button("Restore two of three").focus();
  await page.keyboard.press("Enter");
  await expect(trash.rows).toHaveCount(2);
  await expectFocused(page.getByRole("link", { name: "one of three", exact: true }));
  await chat.button("Empty trash").focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Empty the trash?" });
  await expect(dialog).toContainText("all 2 chats");
  await dialog.getByRole("button", { name: "Erase all" }).click();
  await expect(trash.rows).toHaveCount(0);
  await expectFocused(trash.heading);
  await expect(chat.row("two of three")).toBeVisible();
});

test("offline the trash opens, and what is to be erased waits for the network", async ({ page, app }) => {
  const network = await withNetwork(page);
  const chat = await openSavedChat(page, app.url, "tides and moons");
  const trash = await openTrash(chat);
  await chat.row("tides and moons").click();
  // Its code has to be here before the network goes.
  await chat.library.getByRole("button", { name: "More actions for tides and moons" }).hover();
  await network.cut();
  await expect(chat.syncStatus).toContainText("Offline");
  await deleted(chat, "tides and moons");
  await openTrash(chat);
  await chat.button("Erase tides and moons").click();
  await page.getByRole("dialog").getByRole("button", { name: "Erase", exact: true }).click();
  await expect(trash.row("tides and moons")).toContainText("Will be erased when you're back online");
  await network.restore();
  await expect(trash.rows).toHaveCount(0, { timeout: 30_000 });
  await chat.saved();
});

/** A second device of the same person that is cut off, with a draft that the server never had and an edit left open. */
async function awayDevice(open: (url: string) => Promise<ChatPage>, app: { url: string }, title: string) {
  const device = await open(app.url);
  const network = await withNetwork(device.page);
  // From here on its sockets go through what can be cut.
  await device.page.reload();
  await device.row(title).click();
  await expect(device.articles).toHaveCount(2);
  await editLeftOpen(device, "tides, moons and");
  await device.saved();
  await network.cut();
  await expect(device.syncStatus).toContainText("Offline");
  await device.composer.fill("written on a mountain");
  await expect(device.syncStatus).toContainText(/Offline – [1-9]/u);
  return { device, network };
}

test("edits of a device that was away do not bring a deleted chat back: they wait in its trash", async ({
  page,
  app,
  secondDevice,
}) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  const { device, network } = await awayDevice(secondDevice, app, "tides and moons");
  await deleted(chat, "tides and moons");
  await chat.saved();
  await network.restore();
  await expect(device.page.getByRole("heading", { name: "This chat was deleted" })).toBeVisible({ timeout: 30_000 });
  await expect(device.row("tides and moons")).toHaveCount(0);
  await device.saved();
  const there = await openTrash(device);
  await expect(there.row("tides and moons")).toContainText("Changed after deletion");
  await expect(chat.row("tides and moons")).toHaveCount(0);
  const here = await openTrash(chat);
  await expect(here.row("tides and moons")).toBeVisible();
  await expect(here.row("tides and moons")).not.toContainText("Changed after deletion");
  await device.button("Restore tides and moons").click();
  await device.row("tides and moons").click();
  await expect(device.composer).toHaveValue("written on a mountain");
  await chat.row("tides and moons").click();
  await expect(chat.composer).toHaveValue("written on a mountain");
});

test("what was erased while a device with edits was away can be recovered there as a new chat", async ({
  page,
  app,
  secondDevice,
}) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  const { device, network } = await awayDevice(secondDevice, app, "tides and moons");
  await deleted(chat, "tides and moons");
  await chat.saved();
  const trash = await openTrash(chat);
  await chat.button("Erase tides and moons").click();
  await page.getByRole("dialog").getByRole("button", { name: "Erase", exact: true }).click();
  await expect(trash.rows).toHaveCount(0, { timeout: 15_000 });
  await network.restore();
  await expect(device.page.getByText("This chat was erased")).toBeVisible({ timeout: 30_000 });
  const there = await openTrash(device);
  await expect(there.row("tides and moons")).toContainText("Changed after deletion");
  const { violations } = await new AxeBuilder({ page: device.page }).analyze();
  expect(violations.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual([]);
  await there.row("tides and moons").getByRole("button", { name: "Recover as a new chat" }).click();
  await expect(device.composer).toHaveValue("written on a mountain");
  await expect(device.articles).toHaveCount(2);
  await expect(device.page.getByRole("textbox", { name: "Edit message" })).toHaveValue("tides, moons and");
  await device.saved();
  await expect(chat.row("tides and moons (recovered)")).toBeVisible({ timeout: 15_000 });
  await openTrash(device);
  await expect(device.page.getByText("The trash is empty")).toBeVisible();
});
