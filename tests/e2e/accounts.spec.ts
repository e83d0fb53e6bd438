import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";
import type { Page } from "@playwright/test";
import { PASSWORD, newEmail } from "#tests/support/account.ts";
import { chooseInAccountMenu, createAccount, expectAccount, signInHere, signOut } from "./account-steps.ts";
import { chatPage, openChatPage } from "./chat-page.ts";
import { withoutSync } from "./device.ts";
import { test } from "./fixtures.ts";
import { untilInstalled } from "./installed-page.ts";
import { keptHere as kept } from "./kept-here.ts";
import type { OwnBrowser } from "./own-browser.ts";

const CANARY = "CANARY-of-Ann-7f3a";

test("a guest makes an account and keeps what they wrote; another browser opens it by signing in", async ({
  chat,
  app,
  browser,
}) => {
  const email = newEmail();
  await chat.send("A word from before");
  await expect(chat.lastArticle).toContainText("A scripted answer.");
  await chat.saved();
  await createAccount(chat.page, email);
  await expect(chat.row("A word from before")).toBeVisible();

  const elsewhere = await browser.newContext();
  const other = await openChatPage(await elsewhere.newPage(), app.url);
  await other.send("Written as a guest");
  await expect(other.lastArticle).toContainText("A scripted answer.");
  await other.saved();
  await chooseInAccountMenu(other.page, "Sign in or create an account…");
  await signInHere(other.page, email);
  await expectAccount(other.page, email);
  await expect(other.row("A word from before")).toBeVisible();
  await expect(other.row("Written as a guest")).toBeVisible();
  await expect(chat.row("Written as a guest")).toBeVisible();
  await elsewhere.close();
});

test("what a guest wrote without a network comes along into the account they sign in to", async ({
  chat,
  app,
  browser,
}) => {
  const email = newEmail();
  await createAccount(chat.page, email);
  const elsewhere = await browser.newContext({ serviceWorkers: "block" });
  const page = await elsewhere.newPage();
  const letThrough = await withoutSync(page);
  const other = await openChatPage(page, app.url);
  await other.composer.fill("Only on this device");
  await expect.poll(() => kept(page, "Only on this device")).not.toEqual([]);
  await chooseInAccountMenu(other.page, "Sign in or create an account…");
  await signInHere(other.page, email);
  await expectAccount(other.page, email);
  await letThrough();
  await expect(other.composer).toHaveValue("Only on this device");
  await expect(chat.library.getByRole("link", { name: /Only on this device/ })).toBeVisible({ timeout: 30_000 });
  await elsewhere.close();
});

for (const network of ["online", "offline"] as const) {
  test(`signing out ${network} leaves nothing of the account in this browser, and the next one sees nothing of it`, async ({
    chat,
    app,
  }) => {
    const { page } = chat;
    const [ann, ben] = [newEmail(), newEmail()];
    await createAccount(page, ann, CANARY);
    await chat.send(CANARY);
    await expect(chat.lastArticle).toContainText("A scripted answer.");
    await chat.saved();
    await chat.button("New chat").click();
    await chat.composer.fill(`${CANARY} draft`);
    await chat.saved();
    expect(await kept(page, CANARY)).not.toEqual([]);
    if (network === "offline") {
      await untilInstalled(page);
      await app.server.kill("SIGKILL");
    }
    await signOut(page);
    expect(await kept(page, CANARY)).toEqual([]);
    expect(await kept(page, ann)).toEqual([]);
    if (network === "offline") {
      await page.reload();
      await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
      await app.server.restart();
      await page.reload();
    }
    await page.getByRole("button", { name: "Continue without an account" }).click();
    await expect(chat.composer).toBeVisible();
    await createAccount(page, ben, "Ben");
    await expect(chat.library).not.toContainText(CANARY);
    expect(await kept(page, CANARY)).toEqual([]);
    await signOut(page);
    await signInHere(page, ann);
    await expectAccount(page, ann);
    await expect(chat.row(CANARY).first()).toBeVisible();
  });
}

/** Signs out, and kills the browser so many ms after the button was pressed; the server does not hear of it by then. */
async function killWhileSigningOut(own: OwnBrowser, page: Page, ms: number): Promise<void> {
  await page.route("**/api/auth/sign-out", () => undefined);
  await chooseInAccountMenu(page, "Sign out…");
  const button = page.getByRole("dialog", { name: "Sign out?" }).getByRole("button", { name: "Sign out", exact: true });
  const pressed = button.click({ noWaitAfter: true }).catch(() => undefined);
  await page.waitForTimeout(ms);
  await own.kill();
  await pressed;
}

test("a browser that is killed while somebody signs out has nothing of them after its next start", async ({
  app,
  ownBrowser,
}) => {
  test.setTimeout(240_000);
  let finished = 0;
  for (const ms of [60, 150, 300, 600]) {
    const ann = newEmail();
    const first = await openChatPage(await (await ownBrowser.start()).newPage(), app.url);
    await createAccount(first.page, ann, CANARY);
    await first.send(CANARY);
    await expect(first.lastArticle).toContainText("A scripted answer.");
    await first.saved();
    await killWhileSigningOut(ownBrowser, first.page, ms);

    const again = chatPage(await (await ownBrowser.start()).newPage());
    await again.page.goto(app.url);
    const heading = again.page.getByRole("heading", { name: "Sign in" });
    await expect(heading.or(again.composer)).toBeVisible();
    if (await heading.isVisible()) finished += 1;
    else {
      // It was killed before anything was begun.
      await expect(again.row(CANARY)).toBeVisible();
      await signOut(again.page);
    }
    for (const secret of [CANARY, ann]) expect(await kept(again.page, secret), `killed after ${ms} ms`).toEqual([]);
    await again.page.getByRole("button", { name: "Continue without an account" }).click();
    await expect(again.composer).toBeVisible();
    await expect(again.library).not.toContainText(CANARY);
    await ownBrowser.stop();
  }
  expect(finished).toBeGreaterThan(0);
});

test("a browser that remembers an account as the guest it was shows the account all the same", async ({ chat }) => {
  const { page } = chat;
  const email = newEmail();
  await createAccount(page, email);
  // As after a kill, which takes the last writes to this storage along.
  await page.evaluate(() => {
    const me = JSON.parse(localStorage.getItem("holdfast.me") ?? "{}") as object;
    localStorage.setItem("holdfast.me", JSON.stringify({ ...me, kind: "guest" }));
  });
  await page.reload();
  await expectAccount(page, email);
});

test("a sign-out in one tab ends the other one too", async ({ chat, app, context }) => {
  await createAccount(chat.page, newEmail());
  const second = await openChatPage(await context.newPage(), app.url);
  await signOut(chat.page);
  await expect(second.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
});

test("where somebody is signed in is listed, and a session that is ended there is over here", async ({
  chat,
  app,
  browser,
}) => {
  const email = newEmail();
  await createAccount(chat.page, email);
  const elsewhere = await browser.newContext({ userAgent: "Mozilla/5.0 (X11; Linux) Firefox/140.0" });
  const other = chatPage(await elsewhere.newPage());
  await other.page.goto(app.url);
  await chooseInAccountMenu(other.page, "Sign in or create an account…");
  await signInHere(other.page, email);
  await expectAccount(other.page, email);
  await chooseInAccountMenu(chat.page, "Account…");
  const dialog = chat.page.getByRole("dialog", { name: "Account" });
  await dialog.getByRole("button", { name: "End session Firefox, Linux" }).click();
  await expect(dialog.getByRole("button", { name: /^End session/ })).toHaveCount(0);
  await expect(other.page.getByRole("alert")).toContainText("You've been signed out here.", { timeout: 5_000 });
  await other.page.getByRole("button", { name: "Sign in…" }).click();
  await signInHere(other.page, email);
  // The page starts again meanwhile.
  await expect(other.page.getByRole("alert")).toHaveCount(0);
  await expectAccount(other.page, email);
  await elsewhere.close();
});

test("signing up, signing out and signing in go by keyboard alone", async ({ chat }) => {
  const { page } = chat;
  const email = newEmail();
  const press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) await page.keyboard.press(key);
  };
  await page.getByRole("button", { name: "Account", exact: true }).focus();
  await press("Enter");
  await page.getByRole("menuitem", { name: "Sign in or create an account…" }).waitFor();
  await press("ArrowDown", "Enter");
  const dialog = page.getByRole("dialog");
  await expect(dialog).toBeVisible();
  await page.getByRole("button", { name: "Create an account" }).focus();
  await press("Enter");
  await page.getByRole("textbox", { name: "Name" }).focus();
  await page.keyboard.type("Kay");
  await press("Tab");
  await page.keyboard.type(email);
  await press("Tab");
  await page.keyboard.type(PASSWORD);
  await press("Enter");
  await expectAccount(page, email);
  await page.getByRole("button", { name: "Account", exact: true }).focus();
  await press("Enter");
  await page.getByRole("menuitem", { name: "Sign out…" }).focus();
  await press("Enter");
  await page.getByRole("dialog", { name: "Sign out?" }).getByRole("button", { name: "Sign out", exact: true }).focus();
  await press("Enter");
  await page.getByRole("textbox", { name: "E-mail" }).focus();
  await page.keyboard.type(email);
  await press("Tab");
  await page.keyboard.type(PASSWORD);
  await press("Enter");
  await expectAccount(page, email);
});

test("a wrong password, a taken address and a weak password are told in words", async ({ chat }) => {
  const { page } = chat;
  const email = newEmail();
  await createAccount(page, email);
  await signOut(page);
  await signInHere(page, email, "not the password");
  await expect(page.getByRole("alert")).toContainText("The e-mail or the password is wrong.");
  await page.getByRole("button", { name: "Create an account" }).click();
  await page.getByRole("textbox", { name: "E-mail" }).fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("alert")).toContainText("There is an account with this e-mail already.");
  await page.getByLabel("Password").fill("password1");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("alert")).toContainText("too easy to guess");
});

test("the account's dialogs are accessible", async ({ chat }) => {
  const { page } = chat;
  const check = async (): Promise<void> => {
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
  };
  await chooseInAccountMenu(page, "Sign in or create an account…");
  await check();
  await page.keyboard.press("Escape");
  await createAccount(page, newEmail());
  await chooseInAccountMenu(page, "Account…");
  await page.getByRole("button", { name: "Show more" }).click();
  await expect(page.getByText("Account created").first()).toBeVisible();
  await check();
  await page.keyboard.press("Escape");
  await signOut(page);
  await check();
});
