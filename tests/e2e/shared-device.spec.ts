import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "@playwright/test";
import type { Page } from "@playwright/test";
import { PASSWORD, newEmail, signUp } from "#tests/support/account.ts";
import { chooseInAccountMenu, createAccount, expectAccount, signInHere, signOut } from "./account-steps.ts";
import { openChatPage, withNetwork } from "./chat-page.ts";
import { withoutSync } from "./device.ts";
import { test } from "./fixtures.ts";
import { untilInstalled } from "./installed-page.ts";
import { keptHere } from "./kept-here.ts";

const CANARY = "CANARY-of-Ann-shared-51c9";
const NOTE = "Shared device: nothing you write is kept on it.";

/** Signs in with the box that says that others use this device too. */
async function signInShared(page: Page, email: string): Promise<void> {
  await page.getByRole("checkbox", { name: "This is a shared device" }).check();
  await signInHere(page, email);
  await expectAccount(page, email);
}

async function openShared(page: Page, url: string, email: string) {
  const chat = await openChatPage(page, url);
  await chooseInAccountMenu(page, "Sign in or create an account…");
  await signInShared(page, email);
  return chat;
}

test("on a shared device nothing of the account is kept, while it is used and after", async ({ chat, app }) => {
  const { page } = chat;
  const email = newEmail();
  await signUp(app.url, email, "", CANARY);
  await chooseInAccountMenu(page, "Sign in or create an account…");
  await signInShared(page, email);
  await expect(page.getByText(NOTE)).toBeVisible();
  await chat.send(CANARY);
  await expect(chat.lastArticle).toContainText("A scripted answer.");
  await chat.saved();
  await expect(page).toHaveTitle("Holdfast");
  await chat.button("New chat").click();
  await chat.composer.fill(`${CANARY} draft`);
  await chat.saved();
  for (const secret of [CANARY, email]) expect(await keptHere(page, secret)).toEqual([]);
  expect(await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))).not.toContainEqual(
    expect.stringMatching(/^holdfast:/u),
  );

  // All of it is at the server.
  await page.reload();
  await expectAccount(page, email);
  await expect(chat.row(CANARY).first()).toBeVisible();
  await expect(page.getByText(NOTE)).toBeVisible();
  await signOut(page);
  for (const secret of [CANARY, email]) expect(await keptHere(page, secret)).toEqual([]);
});

test("what a guest wrote here goes to the account, and leaves the shared device", async ({ app, browser }) => {
  const email = newEmail();
  const account = await signUp(app.url, email);
  const context = await browser.newContext({ serviceWorkers: "block" });
  const page = await context.newPage();
  const letThrough = await withoutSync(page);
  const chat = await openChatPage(page, app.url);
  await chat.composer.fill(CANARY);
  await expect.poll(() => keptHere(page, CANARY)).not.toEqual([]);
  await chooseInAccountMenu(page, "Sign in or create an account…");
  await page.getByRole("checkbox", { name: "This is a shared device" }).check();
  await signInHere(page, email);
  // Not sent yet: it stays until it is.
  await expect(page.getByText(NOTE)).toBeVisible();
  expect(await keptHere(page, CANARY)).not.toEqual([]);
  await letThrough();
  await page.reload();
  await expect(chat.library.getByRole("link", { name: new RegExp(CANARY, "u") })).toBeVisible();
  await expect.poll(() => keptHere(page, CANARY)).toEqual([]);
  expect(await account.send("GET", "/api/sync/feed").then((answer) => answer.text())).toContain(CANARY);
  await context.close();
});

test("without a network what is written is in this window alone, and that is said", async ({ page, app }) => {
  const network = await withNetwork(page);
  const email = newEmail();
  await signUp(app.url, email);
  const chat = await openShared(page, app.url, email);
  await network.cut();
  await chat.composer.fill("kept nowhere yet");
  await expect(page.getByRole("alert")).toContainText("Keep this window open until it says “Saved”");
  await expect(chat.syncStatus).toContainText("Only in this window");
  await network.restore();
  await chat.saved();
  await untilInstalled(page);
  await network.cut();
  await page.reload().catch(() => undefined);
  await expect(page.getByRole("alert")).toContainText("on which nothing is kept");
  await network.restore();
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(chat.composer).toHaveValue("kept nowhere yet");
});

test("who signs in again on a shared device goes on with what is in the window", async ({ page, app, context }) => {
  const network = await withNetwork(page);
  const email = newEmail();
  const account = await signUp(app.url, email);
  const chat = await openShared(page, app.url, email);
  await network.cut();
  await chat.composer.fill("in this window alone");
  await context.clearCookies();
  await network.restore();
  await expect(page.getByRole("alert").first()).toContainText("sign in to save it");
  await page.getByRole("button", { name: "Sign in…" }).click();
  await expect(page.getByRole("checkbox", { name: "This is a shared device" })).toBeChecked();
  await signInHere(page, email);
  await chat.saved();
  await expect(chat.composer).toHaveValue("in this window alone");
  await expect.poll(async () => (await account.send("GET", "/api/sync/feed")).text()).toContain("in this window alone");
});

test("two windows of a shared device show the same, and one signs both out", async ({ page, app, context }) => {
  const email = newEmail();
  await signUp(app.url, email);
  const chat = await openShared(page, app.url, email);
  const second = await openChatPage(await context.newPage(), app.url);
  await expectAccount(second.page, email);
  await chat.send("seen in both");
  await expect(second.row("seen in both")).toBeVisible();
  await second.row("seen in both").click();
  await expect(second.lastArticle).toContainText("A scripted answer.");
  await second.saved();
  await signOut(second.page);
  // Nothing stays on the screen of the other one either.
  await expect(chat.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  expect(await keptHere(chat.page, "seen in both")).toEqual([]);
});

test("whoever keeps things here is not touched by somebody who uses it as a shared device", async ({ chat, app }) => {
  const { page } = chat;
  const [ann, ben] = [newEmail(), newEmail()];
  await signUp(app.url, ben);
  await createAccount(page, ann);
  await chat.send("Ann's own chat");
  await expect(chat.lastArticle).toContainText("A scripted answer.");
  await chat.saved();
  await page.context().clearCookies();
  await page.reload();
  await page.getByRole("button", { name: "Sign in…" }).click();
  await signInShared(page, ben);
  await expect(chat.library).not.toContainText("Ann's own chat");
  await chat.send("Ben was here");
  await expect(chat.lastArticle).toContainText("A scripted answer.");
  await chat.saved();
  await signOut(page);
  expect(await keptHere(page, "Ben was here")).toEqual([]);
  await signInHere(page, ann);
  await expectAccount(page, ann);
  await expect(chat.row("Ann's own chat")).toBeVisible();
});

/** The files of a folder, however deep, that hold a text as one or two bytes a character. */
function filesWith(folder: string, text: string): string[] {
  const needles = [Buffer.from(text), Buffer.from(text, "utf16le")];
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => {
    const file = join(folder, name);
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return false;
    const bytes = readFileSync(file);
    return needles.some((needle) => bytes.includes(needle));
  });
}

test("no file of the browser's profile holds a word of it, though the browser is killed", async ({
  app,
  ownBrowser,
}) => {
  test.setTimeout(180_000);
  const email = newEmail();
  await signUp(app.url, email);
  const write = async (shared: boolean, text: string): Promise<void> => {
    const context = await ownBrowser.start();
    const page = await context.newPage();
    const chat = await openChatPage(page, app.url);
    if (shared) {
      await chooseInAccountMenu(page, "Sign in or create an account…");
      await signInShared(page, email);
    }
    await chat.send(text);
    await expect(chat.lastArticle).toContainText("A scripted answer.");
    await chat.composer.fill(`${text} draft`);
    await chat.saved();
    await page.reload();
    await expect(chat.lastArticle).toContainText("A scripted answer.");
    // Chromium writes down what pages keep up to some seconds later.
    await page.waitForTimeout(5_000);
    await ownBrowser.kill();
  };
  await write(false, "guest-canary-3b7e");
  expect(filesWith(ownBrowser.profile, "guest-canary-3b7e")).not.toEqual([]);
  await write(true, CANARY);
  for (const secret of [CANARY, email, PASSWORD]) expect(filesWith(ownBrowser.profile, secret)).toEqual([]);
});
