import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";
import type { Locator, Page } from "@playwright/test";
import { answer } from "#tests/support/provider-behaviour.ts";
import { expectFocused, openChatPage, openSavedChat, withNetwork } from "./chat-page.ts";
import type { ChatPage } from "./chat-page.ts";
import { test } from "./fixtures.ts";

const PICTURES = "test-results/snapshots";
const LOOKS = [
  { name: "desktop-light", width: 1280, height: 800, scheme: "light" },
  { name: "desktop-dark", width: 1280, height: 800, scheme: "dark" },
  { name: "phone", width: 390, height: 844, scheme: "light" },
  { name: "narrow", width: 320, height: 640, scheme: "light" },
] as const;

const snapshotsOf = (page: Page) => ({
  dialog: page.getByRole("dialog", { name: "New snapshot" }),
  tab: (name: string): Locator => page.getByRole("tab", { name }),
  messages: page.getByRole("region", { name: "Messages of this snapshot" }),
  heading: (title: string): Locator => page.getByRole("heading", { level: 1, name: title }),
});

interface Labels {
  name?: string;
  note?: string;
  tags?: string;
}

/** Takes a snapshot by the button of the chat; answers the link to it. */
async function takeSnapshot({ page, button }: ChatPage, { name, note, tags }: Labels = {}): Promise<Locator> {
  const { dialog } = snapshotsOf(page);
  await button("Take snapshot").click();
  if (name !== undefined) await dialog.getByRole("textbox", { name: "Name" }).fill(name);
  if (note !== undefined) await dialog.getByRole("textbox", { name: "Note" }).fill(note);
  if (tags !== undefined) await dialog.getByRole("combobox", { name: "Tags" }).fill(tags);
  await dialog.getByRole("button", { name: "Save snapshot" }).click();
  await expect(dialog).toBeHidden();
  return page.getByRole("link", { name: /^Snapshot \d+$/u });
}

/** No longer pending: the server has it. */
async function sealed({ page }: ChatPage): Promise<void> {
  await expect(page.getByText("Being sealed…")).toHaveCount(0, { timeout: 15_000 });
}

async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
}

test("a snapshot is taken, listed and read, and what happens to the chat later changes nothing in it", async ({
  page,
  app,
}) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  const link = await takeSnapshot(chat, { name: "The first try", note: "For the lesson", tags: "sea, work" });
  await chat.send("And on Mars?");
  await expect(chat.articles).toHaveCount(4);
  const { tab, messages, heading } = snapshotsOf(page);
  await tab("Snapshots").click();
  await expect(chat.row("The first try")).toBeVisible();
  await link.click();
  await expectFocused(heading("The first try"));
  await expect(page.getByRole("button", { name: "Snapshot 1 of 1" })).toBeVisible();
  await sealed(chat);
  await expect(messages.getByRole("article")).toHaveCount(2);
  await expect(messages.getByRole("article", { name: "You" })).toHaveText(/tides and moons/u);
  await expect(page.getByText("For the lesson")).toBeVisible();
  await expect(page.getByRole("list", { name: "Tags" }).getByRole("listitem")).toHaveText(["sea", "work"]);
  await page.reload();
  await expect(messages.getByRole("article")).toHaveCount(2);
  await expect(tab("Snapshots")).toHaveAttribute("aria-selected", "true");
});

test("name, note and tags change in place, and are the same on another device", async ({ page, app, secondDevice }) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  await (await takeSnapshot(chat, { name: "Before" })).click();
  await chat.button("Rename").click();
  await page.getByRole("textbox", { name: "Title" }).fill("After");
  await page.keyboard.press("Enter");
  await chat.button("Add a note").click();
  await page.getByRole("textbox", { name: "Note" }).fill("A second thought");
  await chat.button("Save note").click();
  await chat.button("Edit tags").click();
  const tags = page.getByRole("dialog", { name: "Tags of “After”" });
  await tags.getByRole("combobox", { name: "Tags" }).fill("sea");
  await page.keyboard.press("Enter");
  await tags.getByRole("button", { name: "Save tags" }).click();
  await chat.saved();
  const device = await secondDevice(page.url().replace(/\/snapshots\/.*/u, "/"));
  await snapshotsOf(device.page).tab("Snapshots").click();
  await device.row("After").click();
  await expect(device.page.getByText("A second thought")).toBeVisible({ timeout: 15_000 });
  await expect(device.page.getByRole("list", { name: "Tags" })).toHaveText("sea");
  await expect(snapshotsOf(device.page).messages.getByRole("article")).toHaveCount(2);
});

test("a deleted snapshot can be undone at once, brought back from the trash, and erased for good", async ({
  page,
  app,
}) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  await takeSnapshot(chat, { name: "Kept" });
  await snapshotsOf(page).tab("Snapshots").click();
  await chat.chooseFromMenu("Kept", "Delete");
  await expect(chat.row("Kept")).toHaveCount(0);
  await chat.button("Undo").click();
  await expect(chat.row("Kept")).toBeVisible();
  await chat.chooseFromMenu("Kept", "Delete");
  await chat.library.getByRole("link", { name: "Trash" }).click();
  const rows = page.getByRole("list", { name: "Deleted snapshots" }).getByRole("listitem");
  await expect(rows).toHaveCount(1);
  await chat.button("Restore Kept").click();
  await expect(rows).toHaveCount(0);
  await chat.chooseFromMenu("Kept", "Delete");
  await chat.button("Erase Kept").click();
  const dialog = page.getByRole("dialog", { name: "Erase “Kept”?" });
  await expect(dialog).toContainText("lost for ever");
  await dialog.getByRole("button", { name: "Erase", exact: true }).click();
  await expect(rows).toHaveCount(0, { timeout: 15_000 });
  await expect(chat.row("Kept")).toHaveCount(0);
});

test("versions of a chat are numbered, walked through, and compared with each other and the chat", async ({
  page,
  app,
}) => {
  test.setTimeout(120_000);
  const chat = await openSavedChat(page, app.url, "tides and moons");
  await takeSnapshot(chat, { name: "First" });
  await chat.button("Take snapshot").click();
  await expect(page.getByText("Nothing changed since Snapshot 1.")).toBeVisible();
  await page.keyboard.press("Escape");
  await chat.send("And on Mars?");
  await expect(chat.articles).toHaveCount(4);
  await expect(chat.button("Stop")).toBeHidden();
  await (await takeSnapshot(chat, { name: "Second" })).click();
  await expect(page.getByRole("button", { name: "Snapshot 2 of 2" })).toBeVisible();
  await page.getByRole("link", { name: "Previous snapshot" }).click();
  await expect(snapshotsOf(page).heading("First")).toBeVisible();
  await page.getByRole("button", { name: "Snapshot 1 of 2" }).click();
  const versions = page.getByRole("dialog", { name: "Snapshots of this chat" });
  await expect(versions.getByRole("listitem")).toHaveCount(3);
  for (const name of ["Snapshot 1", "Snapshot 2"])
    await versions.getByRole("checkbox", { name: `Choose ${name} for comparison` }).check();
  await versions.getByRole("button", { name: "Compare" }).click();
  await expect(page).toHaveURL(/\/compare\/[^/]+\/[^/]+$/u);
  await expect(page.getByRole("heading", { name: "Compare", level: 1 })).toBeFocused();
  await expect(page.getByText("2 messages added")).toBeVisible();
  await page.getByRole("link", { name: "Back to the snapshot" }).click();
  await chat.button("Compare").click();
  await page.getByRole("menuitem", { name: "The chat as it is now" }).click();
  await expect(page).toHaveURL(/\/live$/u);
  await expect(page.getByText("2 messages added")).toBeVisible();
});

test("a snapshot goes on as a new chat, or as a branch of its own", async ({ page, app }) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  const link = await takeSnapshot(chat, { name: "Kept" });
  await chat.send("And on Mars?");
  await expect(chat.articles).toHaveCount(4);
  await expect(chat.button("Stop")).toBeHidden();
  await link.click();
  const snapshot = page.url();
  await chat.button("Restore").click();
  await page.getByRole("dialog", { name: "Restore this snapshot?" }).getByRole("button", { name: "Restore" }).click();
  await expect(chat.articles).toHaveCount(2);
  await chat.button("Previous version").click();
  await expect(chat.articles).toHaveCount(4);
  await page.goto(snapshot);
  await chat.button("Duplicate").click();
  await expect(page).toHaveURL(/\/c\//u);
  await expect(chat.articles).toHaveCount(2);
  await expect(page.getByRole("heading", { level: 1, name: "Kept" })).toBeVisible();
});

test("offline a snapshot is taken, pending and readable, also after a reload; it is sealed once when the network is back", async ({
  page,
  app,
}) => {
  const network = await withNetwork(page);
  const chat = await openSavedChat(page, app.url, "tides and moons");
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await network.cut();
  await chat.button("Take snapshot").click();
  await expect(page.getByText("It will be sealed when you're back.")).toBeVisible();
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Snapshot 1" }).click();
  await expect(page.getByText("It will be sealed when you're back.")).toBeVisible();
  await page.reload();
  const { messages, tab } = snapshotsOf(page);
  await expect(messages.getByRole("article")).toHaveCount(2);
  await network.restore();
  await expect(page.getByText(/sealed/u)).toHaveCount(0, { timeout: 30_000 });
  await tab("Snapshots").click();
  await expect(chat.library.getByRole("link", { name: "tides and moons" })).toHaveCount(1);
});

test("a link to a snapshot this device was not told of says what can be known of it", async ({ page, app }) => {
  const network = await withNetwork(page);
  const chat = await openSavedChat(page, app.url, "tides and moons");
  const unknown = "/snapshots/01a22a99-2ffb-7114-a569-62cbf12610fa";
  await page.evaluate((path) => history.pushState(null, "", path), unknown);
  await expect(page.getByRole("heading", { name: "There is no such snapshot here" })).toBeVisible();
  await network.cut();
  await expect(chat.syncStatus).toContainText("Offline");
  await expect(page.getByRole("heading", { name: "This device doesn't know this snapshot" })).toBeVisible();
  await expect(page.getByText("it shows up here when you're back")).toBeVisible();
});

test("while an answer is written none is taken, and the button says why", async ({ page, app }) => {
  const chat = await openChatPage(page, app.url);
  await expect(chat.button("Take snapshot")).toBeDisabled();
  app.provider.script(answer("A long answer that takes its time.", { pace: "gated" }));
  await chat.send("tides and moons");
  await expect(chat.button("Stop")).toBeVisible();
  await expect(chat.button("Take snapshot")).toHaveAttribute("aria-description", "Wait until the answer is finished");
  await chat.button("Take snapshot").click({ force: true });
  await expect(page.getByText("Wait until the answer is finished")).toBeVisible();
  await expect(snapshotsOf(page).dialog).toBeHidden();
});

test("by keyboard alone: take, find, open, rename and delete", async ({ page, app }) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  await expectFocused(chat.composer);
  await page.keyboard.press("ControlOrMeta+Shift+S");
  const { dialog, tab, heading } = snapshotsOf(page);
  await expectFocused(dialog.getByRole("textbox", { name: "Name" }));
  await page.keyboard.type("By hand");
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  await expectFocused(chat.composer);
  await tab("Conversations").focus();
  await page.keyboard.press("ArrowRight");
  await expectFocused(tab("Snapshots"));
  await expect(chat.row("By hand")).toBeVisible();
  await page.keyboard.press("Tab");
  await expectFocused(chat.row("By hand"));
  await page.keyboard.press("Enter");
  await expectFocused(heading("By hand"));
  await page.keyboard.press("Tab");
  await expectFocused(chat.button("Rename"));
  await page.keyboard.press("Enter");
  await page.keyboard.type("By keyboard");
  await page.keyboard.press("Enter");
  await expect(heading("By keyboard")).toBeVisible();
  await chat.row("By keyboard").focus();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: "Delete" }).focus();
  await page.keyboard.press("Enter");
  await expect(chat.row("By keyboard")).toHaveCount(0);
});

test("dialog, list, page, versions and trash look as they should everywhere, and axe finds nothing serious", async ({
  page,
  app,
}) => {
  test.setTimeout(240_000);
  const chat = await openSavedChat(page, app.url, "How do tides work?");
  await (await takeSnapshot(chat, { name: "The first try", note: "For the lesson", tags: "sea, lesson" })).click();
  await sealed(chat);
  const address = page.url();
  const picture = async (state: string): Promise<void> => {
    for (const { name, width, height, scheme } of LOOKS) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: scheme });
      await page.screenshot({ path: join(PICTURES, `${state}-${name}.png`) });
      // What axe looks at is the same in the other two.
      if (name === "desktop-dark" || name === "narrow") await expectAccessible(page);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overflow, `${state} at ${width} px`).toBeLessThanOrEqual(0);
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  };
  await picture("page");
  await page.getByRole("button", { name: "Snapshot 1 of 1" }).click();
  await picture("versions");
  await page.keyboard.press("Escape");
  await snapshotsOf(page).tab("Snapshots").click();
  await picture("list");
  await page.getByRole("link", { name: "Open the chat" }).click();
  await chat.button("Take snapshot").click();
  await picture("dialog");
  await page.keyboard.press("Escape");
  await chat.chooseFromMenu("The first try", "Delete");
  await chat.library.getByRole("link", { name: "Trash" }).click();
  await picture("trash");
  await page.goto(address);
  await expect(page.getByText("This snapshot is in the trash.")).toBeVisible();
  await picture("deleted");
});
