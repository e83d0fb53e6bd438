import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";
import type { Locator, Page } from "@playwright/test";
import { contentIdOf } from "#shared/domain/frozen-content.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import { aContent, aFile, aParty } from "#tests/support/signing-party.ts";
import { expectFocused, openChatPage, openSavedChat, withNetwork } from "./chat-page.ts";
import type { ChatPage } from "./chat-page.ts";
import { test } from "./fixtures.ts";

const PICTURES = "test-results/verify";
const LOOKS = [
  { name: "desktop-light", width: 1280, height: 800, scheme: "light" },
  { name: "desktop-dark", width: 1280, height: 800, scheme: "dark" },
  { name: "phone", width: 390, height: 844, scheme: "light" },
  { name: "narrow", width: 320, height: 640, scheme: "dark" },
] as const;

const TURNS = [
  { prompt: "What is red?", answer: "A **rose** is red." },
  { prompt: "And blue?", answer: "The sky.", reasoning: "Think of colours." },
];
const messagesOf = (page: Page): Locator => page.getByRole("region", { name: "Messages of this snapshot" });
const verdict = (page: Page, title: string): Locator => page.getByRole("region", { name: title, exact: true });

/** Takes a snapshot of the chat that is shown and opens it, sealed. */
async function openSnapshot({ page, button }: ChatPage): Promise<void> {
  await button("Take snapshot").click();
  await page.getByRole("dialog", { name: "New snapshot" }).getByRole("button", { name: "Save snapshot" }).click();
  await page.getByRole("link", { name: /^Snapshot \d+$/u }).click();
  await expect(page.getByText("Being sealed…")).toHaveCount(0, { timeout: 15_000 });
  await expect(messagesOf(page).getByRole("article")).not.toHaveCount(0);
}

async function openVerifyPage(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/verify`);
  await expect(page.getByRole("button", { name: "Choose a file" })).toBeVisible();
}

async function choose(page: Page, bytes: Uint8Array, name = "tides.holdfast.json"): Promise<void> {
  // Past the window of the browser, which Firefox shows a test once only.
  const input = page.locator("input[type=file]");
  await input.setInputFiles({ name, mimeType: "application/json", buffer: Buffer.from(bytes) });
}

/** A file of another server, whole. */
async function foreignFile(): Promise<{ bytes: Uint8Array; content: FrozenContent; kid: string }> {
  const party = await aParty();
  const content = await aContent(party, TURNS);
  return { bytes: await aFile(party, content), content, kid: party.key.kid };
}

const replaced = (bytes: Uint8Array, text: string, by: string): Uint8Array => {
  const whole = new TextDecoder().decode(bytes);
  expect(whole).toContain(text);
  return new TextEncoder().encode(whole.replace(text, by));
};

async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
}

async function pictures(page: Page, state: string): Promise<void> {
  for (const { name, width, height, scheme } of LOOKS) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme });
    await page.screenshot({ path: join(PICTURES, `${state}-${name}.png`), animations: "disabled" });
    await expectAccessible(page);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow, `${state} at ${width} px`).toBeLessThanOrEqual(0);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: "light" });
}

test("an answer of this server is verified on the page of its snapshot, offline after a reload too", async ({
  page,
  app,
}) => {
  const network = await withNetwork(page);
  const chat = await openSavedChat(page, app.url, "tides and moons");
  await openSnapshot(chat);
  await expect(page.getByText("1 of 1 answer verified")).toBeVisible();
  const mark = messagesOf(page).getByRole("button", { name: /^Verified output of .*: what this means$/u });
  await expect(mark).toHaveText("Verified");
  await expect(mark).toHaveAttribute("aria-expanded", "false");
  await mark.press("Enter");
  await expect(mark).toHaveAttribute("aria-expanded", "true");
  await expect(page.getByText("It was asked exactly what stands before them here.")).toBeVisible();
  await expect(page.getByText("not for what is true")).toBeVisible();
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await network.cut();
  await page.reload();
  await expect(page.getByText("1 of 1 answer verified")).toBeVisible();
});

test("the copy of an answer in a duplicated chat is verified, and so is what is asked after it", async ({
  page,
  app,
}) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  await openSnapshot(chat);
  await chat.button("Duplicate").click();
  await expect(page).toHaveURL(/\/c\//u);
  await expect(chat.articles).toHaveCount(2);
  await chat.saved();
  await chat.send("And on Mars?");
  await expect(chat.articles).toHaveCount(4);
  await expect(chat.button("Stop")).toBeHidden();
  await chat.saved();
  await openSnapshot(chat);
  await expect(page.getByText("2 of 2 answers verified")).toBeVisible();
});

test("where the browser lends no cryptography the marks say so, and the page is there", async ({ page, app }) => {
  await page.addInitScript(() => Object.defineProperty(crypto, "subtle", { value: undefined }));
  const chat = await openSavedChat(page, app.url, "tides and moons");
  await openSnapshot(chat);
  const mark = messagesOf(page).getByRole("button", { name: /^Unverified: cannot be checked here/u });
  await expect(mark).toBeVisible();
  await expect(page.getByText("0 of 1 answer verified · 1 unverified")).toContainText("a secure address (https)");
  await openVerifyPage(page, app.url);
  await choose(page, (await foreignFile()).bytes);
  await expect(verdict(page, "Cannot be checked here")).toBeVisible();
});

test("a file of another server is said to be one, can be held against its own keys, and imported with the same content id", async ({
  page,
  app,
}) => {
  const { bytes, content, kid } = await foreignFile();
  const chat = await openChatPage(page, app.url);
  await openVerifyPage(page, app.url);
  await choose(page, bytes);
  const other = verdict(page, "Signed by another server");
  await expect(other).toContainText("a key that this server does not know");
  await expect(other).toContainText("https://chat.example.org");
  await expect(other).toContainText(kid);
  await expect(page.getByText("The sky.")).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Import as a snapshot" })).toHaveCount(0);
  await page.getByRole("button", { name: "Check against its own keys" }).click();
  await expect(verdict(page, "Whole, but nobody vouches for it")).toBeVisible();
  await expect(verdict(page, "Whole, but nobody vouches for it")).toContainText("It says it is from");
  await expect(page.getByText("2 of 2 answers agree with the file's own keys")).toBeVisible();
  await expect(page.getByText("Verified", { exact: true })).toHaveCount(0);
  await expect(messagesOf(page).getByRole("article")).toHaveCount(4);
  // It is sent with its messages at once, and is sealed with the answer to that.
  const made = page.waitForResponse(
    (response) => response.url().endsWith("/api/snapshots") && response.request().method() === "POST",
  );
  await page.getByRole("button", { name: "Import as a snapshot" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Pläne für 東京 🗼" })).toBeVisible();
  expect((await made).status()).toBe(201);
  await expect(page.getByText("Being sealed…")).toHaveCount(0, { timeout: 4_000 });
  await expect(page.getByText("Its chat is not here")).toBeVisible();
  await expect(page.getByRole("link", { name: "Open the chat" })).toHaveCount(0);
  await page.getByRole("button", { name: "Restore" }).click();
  const dialog = page.getByRole("dialog", { name: "Restore this snapshot?" });
  await expect(dialog.getByRole("alert")).toContainText("The chat of this snapshot is gone");
  await expect(dialog.getByRole("button", { name: "Restore" })).toHaveCount(0);
  await expect(dialog.getByRole("button", { name: "Duplicate" })).toBeVisible();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  const id = new URL(page.url()).pathname.slice("/snapshots/".length);
  const stored = await page.request.get(`${app.url}/api/snapshots/${id}`);
  expect(await stored.json()).toMatchObject({
    contentId: contentIdOf(content.manifest),
    title: "Pläne für 東京 🗼",
    tags: ["a", "b"],
    number: 1,
    messages: content.messages,
  });
  await expect(page.getByText(contentIdOf(content.manifest).slice(0, 12))).toBeVisible();
  await expect(page.getByText("0 of 2 answers verified · 2 unverified")).toBeVisible();
  await openVerifyPage(page, app.url);
  await choose(page, bytes);
  await page.getByRole("button", { name: "Check against its own keys" }).click();
  await expect(page.getByText("You have a snapshot with exactly this content")).toBeVisible();
  await expect(page.getByRole("button", { name: "Import as a snapshot" })).toHaveCount(0);
  await page.getByRole("link", { name: "Pläne für 東京 🗼 (Snapshot 1)" }).click();
  await expect(page).toHaveURL(new RegExp(id, "u"));
  await expect(chat.library).toBeVisible();
});

test("a changed byte is found and the message named; nothing of the file is shown", async ({ page, app }) => {
  const { bytes } = await foreignFile();
  await openVerifyPage(page, app.url);
  await choose(page, replaced(bytes, "The sky.", "The sly."));
  const changed = verdict(page, "Changed");
  await expect(changed).toContainText(/message 4 \(an answer, .*\) is not the one that was signed/u);
  await expect(page.getByRole("status", { name: "Announcements" })).toContainText("message 4");
  await expect(messagesOf(page)).toHaveCount(0);
  await expect(page.getByRole("button", { name: /own keys|Import/u })).toHaveCount(0);
  await choose(page, Buffer.from("Not JSON at all"), "notes.txt");
  await expect(verdict(page, "Not a snapshot file")).toContainText("notes.txt");
  await choose(page, replaced(bytes, "snapshot-file.v1", "snapshot-file.v2"));
  await expect(verdict(page, "Made by a newer version")).toBeVisible();
});

test("a signed file of this server is intact, damage names the message, and somebody else imports it with its marks", async ({
  page,
  app,
  secondDevice,
}) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  await openSnapshot(chat);
  const id = new URL(page.url()).pathname.slice("/snapshots/".length);
  const bytes = await (await page.request.get(`${app.url}/api/snapshots/${id}/file`)).body();
  const { contentId } = (await (await page.request.get(`${app.url}/api/snapshots/${id}`)).json()) as {
    contentId: string;
  };
  await openVerifyPage(page, app.url);
  await choose(page, bytes);
  await expect(verdict(page, "Intact")).toContainText("It was signed by this server.");
  await expect(page.getByText("1 of 1 answer verified")).toBeVisible();
  await expect(verdict(page, "Intact").getByRole("link", { name: /\(Snapshot 1\)$/u })).toBeVisible();
  await choose(page, replaced(bytes, "A scripted answer.", "A scripted ansver."));
  await expect(verdict(page, "Changed")).toContainText(/message 2 \(an answer, .*\)/u);
  const other = await secondDevice(app.url, []);
  await openVerifyPage(other.page, app.url);
  await choose(other.page, bytes);
  await other.button("Import as a snapshot").click();
  await expect(other.page).toHaveURL(/\/snapshots\//u);
  await expect(other.page.getByText("1 of 1 answer verified")).toBeVisible();
  await expect(other.page.getByText("Being sealed…")).toHaveCount(0, { timeout: 30_000 });
  const theirs = new URL(other.page.url()).pathname.slice("/snapshots/".length);
  const stored = await other.page.request.get(`${app.url}/api/snapshots/${theirs}`);
  expect(await stored.json()).toMatchObject({ contentId, number: 1 });
});

test("files are dropped anywhere on the page; two at once, and one that is too large, are refused in words", async ({
  page,
  app,
}) => {
  const { bytes } = await foreignFile();
  await openVerifyPage(page, app.url);
  const drop = async (texts: readonly string[]): Promise<void> => {
    const transfer = await page.evaluateHandle((all) => {
      const held = new DataTransfer();
      for (const [index, text] of all.entries()) held.items.add(new File([text], `tides-${index}.holdfast.json`));
      return held;
    }, texts);
    const place = page.getByRole("navigation", { name: "Library" });
    await place.dispatchEvent("dragover", { dataTransfer: transfer });
    await expect(page.getByText("Drop the file to check it")).toBeVisible();
    await place.dispatchEvent("drop", { dataTransfer: transfer });
    await expect(page.getByText("Drop the file to check it")).toHaveCount(0);
  };
  const text = new TextDecoder().decode(bytes);
  await drop([text, text]);
  await expect(verdict(page, "One file at a time")).toBeVisible();
  await page.evaluate(() => {
    const held = new DataTransfer();
    held.items.add(new File([new Uint8Array(34_000_000)], "large.holdfast.json"));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: held, bubbles: true }));
  });
  await expect(verdict(page, "Too large")).toContainText("Files of up to 33.6 MB are checked here.");
  await drop([text]);
  await expect(verdict(page, "Signed by another server")).toContainText("tides-0.holdfast.json");
});

test("the page opens and checks without a network, and an import waits until it is back", async ({ page, app }) => {
  const { bytes, content } = await foreignFile();
  const network = await withNetwork(page);
  const chat = await openSavedChat(page, app.url, "tides and moons");
  // The keys come to the device a few seconds after its first start.
  await expect
    .poll(() => page.evaluate(() => Object.keys(localStorage).some((key) => key.startsWith("holdfast.keys."))), {
      timeout: 15_000,
    })
    .toBe(true);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await network.cut();
  await openVerifyPage(page, app.url);
  await choose(page, bytes);
  await expect(verdict(page, "Signed by another server")).toBeVisible();
  await page.getByRole("button", { name: "Check against its own keys" }).click();
  await page.getByRole("button", { name: "Import as a snapshot" }).click();
  await expect(page.getByText("It will be sealed when you're back.")).toBeVisible();
  await page.reload();
  await expect(messagesOf(page).getByRole("article")).toHaveCount(4);
  await network.restore();
  await expect(page.getByText(/sealed/u)).toHaveCount(0, { timeout: 30_000 });
  await expect(page.getByText(contentIdOf(content.manifest).slice(0, 12))).toBeVisible();
  await expect(chat.library).toBeVisible();
});

test("the way there: from the account menu, and from an empty list of snapshots by keyboard alone", async ({
  page,
  app,
}) => {
  const chat = await openChatPage(page, app.url);
  await chat.button("Account").click();
  await page.getByRole("menuitem", { name: "Verify a snapshot file" }).click();
  const heading = page.getByRole("heading", { level: 1, name: "Verify a snapshot file" });
  await expectFocused(heading);
  const chooser = page.waitForEvent("filechooser");
  await page.keyboard.press("Tab");
  await expectFocused(page.getByRole("button", { name: "Choose a file" }));
  await page.keyboard.press("Enter");
  await chooser;
  await page.goto(app.url);
  await page.getByRole("tab", { name: "Snapshots" }).click();
  await page.getByRole("link", { name: "Verify a snapshot file" }).press("Enter");
  await expectFocused(heading);
});

test("marks and verdicts look as they should everywhere, and axe finds nothing serious", async ({ page, app }) => {
  test.setTimeout(150_000);
  const { bytes } = await foreignFile();
  const chat = await openSavedChat(page, app.url, "How do tides work?");
  await openSnapshot(chat);
  await messagesOf(page)
    .getByRole("button", { name: /what this means/u })
    .click();
  await pictures(page, "marks");
  await openVerifyPage(page, app.url);
  await pictures(page, "empty");
  await choose(page, replaced(bytes, "The sky.", "The sly."));
  await expect(verdict(page, "Changed")).toBeVisible();
  await pictures(page, "changed");
  await choose(page, bytes);
  await expect(verdict(page, "Signed by another server")).toBeVisible();
  await pictures(page, "other-server");
  await page.getByRole("button", { name: "Check against its own keys" }).click();
  await expect(messagesOf(page).getByRole("article")).toHaveCount(4);
  await pictures(page, "by-itself");
});
