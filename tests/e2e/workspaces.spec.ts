import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";
import type { BrowserContext, Page } from "@playwright/test";
import { PASSWORD, newEmail } from "#tests/support/account.ts";
import { createAccount, expectAccount, signInHere, signOut } from "./account-steps.ts";
import { chatPage, expectFocused, openChatPage } from "./chat-page.ts";
import type { ChatPage } from "./chat-page.ts";
import { test as base } from "./fixtures.ts";
import { createInviteLink, createWorkspace, join, manage, openWorkspaces, switchTo } from "./workspace-steps.ts";

interface Person extends ChatPage {
  email: string;
}

interface People {
  /** Opens the app in a browser of its own, for somebody who makes an account there. */
  person: (name: string) => Promise<Person>;
}

/** Removal and roles act at once; this is for a machine that is busy. */
const SOON = { timeout: 10_000 };

const test = base.extend<People>({
  person: async ({ browser, app }, provide) => {
    const contexts: BrowserContext[] = [];
    await provide(async (name) => {
      const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
      contexts.push(context);
      const chat = await openChatPage(await context.newPage(), app.url);
      const email = newEmail();
      await createAccount(chat.page, email, name);
      return { ...chat, email };
    });
    for (const context of contexts) await context.close();
  },
});

// Each has a server of its own, and browsers of two or three people.
test.describe.configure({ mode: "parallel", timeout: 120_000 });

/** Ann with a team, and Ben who joined it by her link. */
async function annAndBen(person: People["person"], role: string): Promise<{ ann: Person; ben: Person }> {
  const [ann, ben] = [await person("Ann"), await person("Ben")];
  await createWorkspace(ann.page, "Kelp");
  await join(ben.page, await createInviteLink(ann.page, "Kelp", { role }));
  await ann.page.keyboard.press("Escape");
  return { ann, ben };
}

async function sendAndSave(chat: ChatPage, text: string): Promise<void> {
  await chat.send(text);
  await expect(chat.lastArticle).toContainText("A scripted answer.");
  await chat.saved();
}

test("two people share a workspace by a link, and chats of one are not seen in another", async ({ person }) => {
  const [ann, ben] = [await person("Ann"), await person("Ben")];
  await sendAndSave(ann, "of my own");
  await createWorkspace(ann.page, "Kelp");
  const link = await createInviteLink(ann.page, "Kelp");
  await ann.button("Copy link").click();
  expect(await ann.page.evaluate(() => navigator.clipboard.readText())).toBe(link);
  await ann.page.keyboard.press("Escape");

  await ben.page.goto(link);
  const dialog = ben.page.getByRole("dialog", { name: "Join a workspace" });
  await expect(dialog).toContainText("You are invited to “Kelp” as a member.");
  // Nobody finds the token in the address, nor by going back.
  expect(new URL(ben.page.url()).pathname + new URL(ben.page.url()).hash).toBe("/");
  await dialog.getByRole("button", { name: "Join", exact: true }).click();
  await expect(dialog).toHaveCount(0);
  await sendAndSave(ben, "of Ben in Kelp");

  await switchTo(ann.page, "Kelp");
  await expect(ann.library).not.toContainText("of my own");
  await expect(ann.library).not.toContainText("of Ben in Kelp");
  await sendAndSave(ann, "of Ann in Kelp");
  await switchTo(ann.page, "Your own workspace");
  await expect(ann.row("of my own")).toBeVisible();
  await expect(ann.library).not.toContainText("of Ann in Kelp");
  await switchTo(ann.page, "Kelp");
  await expect(ann.row("of Ann in Kelp")).toBeVisible();
  await expect(ann.library).not.toContainText("of my own");

  const members = await manage(ann.page, "Kelp");
  await expect(members.getByRole("listitem").filter({ hasText: "Ben" })).toContainText(ben.email);
});

test("the name of the open team stands in the library; the personal workspace has none", async ({ person }) => {
  const ann = await person("Ann");
  await createWorkspace(ann.page, "Kelp & Co");
  await expect(ann.library).not.toContainText("Kelp & Co");
  await ann.page.keyboard.press("Escape");
  await switchTo(ann.page, "Kelp & Co");
  await expect(ann.library).toContainText("Kelp & Co");
  const managing = await manage(ann.page, "Kelp & Co");
  await managing.getByRole("textbox", { name: "Workspace name" }).fill("Wrack");
  await managing.getByRole("button", { name: "Rename" }).click();
  await expect(ann.page.getByRole("dialog", { name: "Manage Wrack" })).toBeVisible();
  await ann.page.keyboard.press("Escape");
  await expect(ann.library).toContainText("Wrack");
  await switchTo(ann.page, "Your own workspace");
  await expect(ann.library).not.toContainText("Wrack");
});

test("who is made a guest has no place to write, is told why, and gets it back as a member", async ({ person }) => {
  const { ann, ben } = await annAndBen(person, "member");
  await sendAndSave(ben, "deleted by Ben");
  await ben.chooseFromMenu("deleted by Ben", "Delete");
  await ben.button("New chat").click();
  await sendAndSave(ben, "of Ben in Kelp");
  const managing = await manage(ann.page, "Kelp");
  await managing.getByRole("combobox", { name: "Role of Ben" }).selectOption("guest");
  await expect(managing.getByText("Ben is a guest now.")).toBeVisible();

  await ben.page.reload();
  await expect(ben.page.getByText("You're a guest in this workspace")).toBeVisible(SOON);
  await expect(ben.composer).toHaveCount(0);
  await expect(ben.articles).toHaveCount(2);
  await ben.button("New chat").click();
  await expect(ben.page.getByRole("heading", { name: "You're a guest in this workspace" })).toBeVisible();
  await expect(ben.composer).toHaveCount(0);
  await ben.library.getByRole("link", { name: "Trash" }).click();
  await expect(ben.page.getByRole("list", { name: "Deleted chats" })).toContainText("deleted by Ben");
  await expect(ben.page.getByRole("button", { name: /Restore|Erase|Empty trash/u })).toHaveCount(0);

  await managing.getByRole("combobox", { name: "Role of Ben" }).selectOption("member");
  await expect(managing.getByText("Ben is a member now.")).toBeVisible();
  await ben.button("New chat").click();
  await ben.page.reload();
  await expect(ben.composer).toBeVisible(SOON);
  await sendAndSave(ben, "as a member again");

  await managing.getByRole("combobox", { name: "Role of Ben" }).selectOption("guest");
  await expect(managing.getByText("Ben is a guest now.")).toBeVisible();
  // Whoever writes on as if nothing had happened is told too.
  await ben.composer.fill("one more");
  await expect(ben.page.getByText("You're a guest in this workspace")).toBeVisible(SOON);
  await ben.button("Open your own workspace").click();
  await expect(ben.composer).toBeVisible();
  await expect(ben.library).not.toContainText("as a member again");
});

test("who is removed loses access within seconds, is told, and goes on in their own workspace", async ({ person }) => {
  const { ann, ben } = await annAndBen(person, "member");
  await sendAndSave(ben, "of Ben in Kelp");
  const managing = await manage(ann.page, "Kelp");
  await managing.getByRole("button", { name: "Remove Ben" }).click();
  await expect(managing.getByText("Remove for good?")).toBeVisible();
  await expectFocused(managing.getByRole("button", { name: "Keep" }));
  await managing.getByRole("button", { name: "Keep" }).click();
  await expectFocused(managing.getByRole("button", { name: "Remove Ben" }));
  await managing.getByRole("button", { name: "Remove Ben" }).click();
  await managing.getByRole("button", { name: "Remove", exact: true }).click();
  await expect(managing.getByText("Ben doesn't belong to this workspace any more.")).toBeVisible();
  await expect(managing.getByRole("combobox", { name: "Role of Ben" })).toHaveCount(0);
  await expectFocused(managing.getByRole("heading", { name: "Members" }));

  await expect(ben.page.getByRole("alert")).toContainText("You don't belong to this workspace any more.", SOON);
  await ben.button("Open your own workspace").click();
  await expect(ben.page.getByText("You don't belong to this workspace any more.")).toHaveCount(0);
  await expect(ben.composer).toBeVisible();
  const workspaces = await openWorkspaces(ben.page);
  await expect(workspaces.getByRole("listitem")).toHaveCount(1);
});

test("the owner hands the workspace over before they leave; leaving the open one leads home", async ({ person }) => {
  const { ann, ben } = await annAndBen(person, "admin");
  await switchTo(ann.page, "Kelp");
  const managing = await manage(ann.page, "Kelp");
  await expect(managing.getByText("Make somebody else its owner first", { exact: false })).toBeVisible();
  await expect(managing.getByRole("button", { name: "Leave workspace" })).toHaveCount(0);
  await managing.getByRole("button", { name: "Make owner: Ben" }).click();
  await managing.getByRole("button", { name: "Hand over" }).click();
  await expect(managing.getByText("Ben is the owner now. You are an admin.")).toBeVisible();
  // An admin touches neither the owner nor other admins.
  await expect(managing.getByRole("combobox", { name: "Role of Ben" })).toHaveCount(0);
  await expect(managing.getByRole("button", { name: /^Make owner/ })).toHaveCount(0);
  await managing.getByRole("button", { name: "Leave workspace" }).click();
  await managing.getByRole("button", { name: "Leave", exact: true }).click();
  await expect(ann.page.getByRole("dialog")).toHaveCount(0);
  const left = await openWorkspaces(ann.page);
  await expect(left.getByRole("listitem")).toHaveCount(1);
  await expect(left.getByRole("listitem").first()).toContainText("Open now");

  const mine = await manage(ben.page, "Kelp");
  await expect(mine.getByRole("listitem").filter({ hasText: ben.email })).toContainText("Owner");
  await expect(mine.getByText("Make somebody else its owner first", { exact: false })).toBeVisible();
});

test("a guest makes an account on the way, and comes back to the invitation", async ({ person, browser, app }) => {
  const ann = await person("Ann");
  await createWorkspace(ann.page, "Kelp");
  const link = await createInviteLink(ann.page, "Kelp", { role: "guest" });
  const context = await browser.newContext();
  const cleo = await openChatPage(await context.newPage(), app.url);
  await sendAndSave(cleo, "written before");
  await cleo.page.goto(link);
  const dialog = cleo.page.getByRole("dialog", { name: "Join a workspace" });
  await expect(dialog).toContainText("You need an account to join.");
  await dialog.getByRole("button", { name: "Create an account or sign in" }).click();
  await cleo.button("Create an account").click();
  const form = cleo.page.getByRole("dialog", { name: "Create an account" });
  await form.getByRole("textbox", { name: "E-mail" }).fill(newEmail());
  await form.getByLabel("Password").fill(PASSWORD);
  await form.getByRole("button", { name: "Create account" }).click();
  await dialog.getByRole("button", { name: "Join", exact: true }).click();
  await expect(cleo.page.getByRole("heading", { name: "You're a guest in this workspace" })).toBeVisible();
  // It is used: a page that is loaded again asks no more.
  await cleo.page.reload();
  await expect(cleo.page.getByRole("heading", { name: "You're a guest in this workspace" })).toBeVisible();
  await expect(cleo.page.getByRole("dialog")).toHaveCount(0);
  await cleo.button("Open your own workspace").click();
  await expect(cleo.row("written before")).toBeVisible();
  await context.close();
});

test("somebody with an account signs in on the way to an invitation", async ({ person, browser, app }) => {
  const [ann, ben] = [await person("Ann"), await person("Ben")];
  await createWorkspace(ann.page, "Kelp");
  const link = await createInviteLink(ann.page, "Kelp", { email: ben.email });
  const context = await browser.newContext();
  const elsewhere = await openChatPage(await context.newPage(), app.url);
  await sendAndSave(elsewhere, "written as a guest");
  await elsewhere.page.goto(link);
  await elsewhere.button("Create an account or sign in").click();
  await signInHere(elsewhere.page, ben.email);
  await elsewhere.page
    .getByRole("dialog", { name: "Join a workspace" })
    .getByRole("button", { name: "Join", exact: true })
    .click();
  await expect(elsewhere.page.getByRole("dialog")).toHaveCount(0);
  const workspaces = await openWorkspaces(elsewhere.page);
  await expect(workspaces.getByRole("listitem").filter({ hasText: "Kelp" })).toContainText("Open now");
  await context.close();
});

test("an invitation that is over, or was revoked, says so; closing it lets it go", async ({ person }) => {
  const [ann, ben] = [await person("Ann"), await person("Ben")];
  await createWorkspace(ann.page, "Kelp");
  const link = await createInviteLink(ann.page, "Kelp");
  const managing = ann.page.getByRole("dialog", { name: "Manage Kelp" });
  await managing.getByRole("button", { name: "Revoke: Anyone with the link" }).click();
  await expect(managing.getByText("That link no longer works.")).toBeVisible();
  await expect(managing.getByRole("button", { name: /^Revoke/ })).toHaveCount(0);

  await ben.page.goto(link);
  await expect(ben.page.getByRole("alert")).toContainText("This invitation is over");
  await ben.page.reload();
  await expect(ben.page.getByRole("alert")).toContainText("This invitation is over");
  await ben.page.keyboard.press("Escape");
  await ben.page.reload();
  await expect(ben.composer).toBeVisible();
  await expect(ben.page.getByRole("dialog")).toHaveCount(0);
});

/** What the server's log says was mailed; it does not know its own port. */
async function mailedLink(app: { url: string; server: { output(): string } }, page: string): Promise<string> {
  const find = () => [...app.server.output().matchAll(/"link":"[^"]*?(\/account\/[^"]+)"/gu)].map(([, link]) => link);
  const last = () => find().findLast((link) => link?.startsWith(page));
  await expect.poll(last).toBeDefined();
  return app.url + last();
}

test("a link confirms the address, another sets a new password; neither stays in the address", async ({
  person,
  app,
  browser,
}) => {
  const ann = await person("Ann");
  await ann.page.goto(await mailedLink(app, "/account/verify"));
  await expect(ann.page.getByRole("dialog", { name: "Confirm your e-mail" })).toContainText(
    "Your e-mail is confirmed.",
  );
  expect(ann.page.url()).toBe(`${app.url}/`);
  await ann.button("Close").last().click();
  await expect(ann.page.getByRole("dialog")).toHaveCount(0);

  const context = await browser.newContext();
  const elsewhere = await openChatPage(await context.newPage(), app.url);
  await elsewhere.page.request.post(`${app.url}/api/auth/password/forgot`, {
    data: { email: ann.email },
    headers: { origin: app.url },
  });
  const link = await mailedLink(app, "/account/reset");
  await elsewhere.page.goto(link);
  expect(elsewhere.page.url()).toBe(`${app.url}/`);
  const dialog = elsewhere.page.getByRole("dialog", { name: "Set a new password" });
  await dialog.getByLabel("New password", { exact: true }).fill("kelp");
  await dialog.getByRole("button", { name: "Set password" }).click();
  await expect(dialog.getByRole("alert")).toContainText("too easy to guess");
  await dialog.getByLabel("New password", { exact: true }).fill("bladder wrack and dulse");
  await dialog.getByRole("button", { name: "Set password" }).click();
  await expect(dialog).toContainText("The new password is set.");
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await signInHere(elsewhere.page, ann.email, "bladder wrack and dulse");
  await expectAccount(elsewhere.page, ann.email);
  // Whoever knew the old one is out.
  await expect(ann.page.getByRole("alert")).toContainText("You've been signed out here.", SOON);

  await elsewhere.page.goto(link);
  await elsewhere.page.getByLabel("New password", { exact: true }).fill("another wrack and dulse");
  await elsewhere.page.getByRole("button", { name: "Set password" }).click();
  await expect(elsewhere.page.getByRole("alert")).toContainText("This link is over");
  await context.close();
});

test("where nobody is signed in, a link sets a new password, and an invitation waits until somebody is", async ({
  person,
  app,
}) => {
  const [ann, ben] = [await person("Ann"), await person("Ben")];
  const { page } = ben;
  await createWorkspace(ann.page, "Kelp");
  const link = await createInviteLink(ann.page, "Kelp");
  await signOut(page);
  await page.getByRole("button", { name: "Forgot the password?" }).click();
  await page.getByRole("textbox", { name: "E-mail" }).fill(ben.email);
  await page.getByRole("button", { name: "Send the link" }).click();
  await page.goto(await mailedLink(app, "/account/reset"));
  expect(page.url()).toBe(`${app.url}/`);
  await page.getByLabel("New password", { exact: true }).fill("bladder wrack and dulse");
  await page.getByRole("button", { name: "Set password" }).click();
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();

  await page.goto(link);
  expect(page.url()).toBe(`${app.url}/`);
  await expect(page.getByText("You're invited to a workspace.", { exact: false })).toBeVisible();
  await expectAccessible(page, "invited, nobody signed in");
  await signInHere(page, ben.email, "bladder wrack and dulse");
  const dialog = page.getByRole("dialog", { name: "Join a workspace" });
  await dialog.getByRole("button", { name: "Join", exact: true }).click();
  await expect(dialog).toHaveCount(0);
  await expect(ben.composer).toBeEditable();
});

test("links open the app without a network too, and say what they need", async ({ chat, app }) => {
  const { page } = chat;
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));
  await app.server.kill("SIGKILL");
  await page.goto(`${app.url}/join#0123456789abcdef0123456789`);
  await expect(page.getByRole("dialog", { name: "Join a workspace" })).toContainText("The server can't be reached");
  await page.goto(`${app.url}/account/verify#0123456789abcdef0123456789`);
  await expect(page.getByRole("dialog", { name: "Confirm your e-mail" })).toContainText("The server can't be reached");
  await page.goto(`${app.url}/account/failed#expired`);
  await expect(page.getByRole("dialog", { name: "Signing in didn't work" })).toContainText("It took too long");
  expect(new URL(page.url()).hash).toBe("");
});

/** Presses Tab until what is named so has the focus. */
async function tabTo(on: Page, name: string): Promise<void> {
  const named = () =>
    on.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent);
  for (let tabs = 0; tabs < 40 && (await named()) !== name; tabs++) await on.keyboard.press("Tab");
  expect(await named()).toBe(name);
}

test("making a workspace, inviting and joining go by keyboard alone", async ({ person }) => {
  const [ann, ben] = [await person("Ann"), await person("Ben")];
  const { page } = ann;
  const { keyboard } = page;
  // Firefox opens no menu in a window that lies behind another one.
  await page.bringToFront();
  await ann.button("Account").focus();
  await keyboard.press("Enter");
  await page.getByRole("menuitem", { name: "Workspaces…" }).waitFor();
  // One letter: a menu forgets those that came more than a second ago, and a "k" is the first one of another item.
  await keyboard.press("w");
  await keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Workspaces" }).getByText("Open now")).toBeVisible();
  await page.getByRole("textbox", { name: "Workspace name" }).focus();
  await keyboard.type("Kelp");
  await keyboard.press("Enter");
  await expect(ann.button("Open Kelp")).toBeVisible();
  await keyboard.press("Shift+Tab");
  await expectFocused(ann.button("Manage Kelp"));
  await keyboard.press("Enter");
  await expectFocused(ann.button("All workspaces"));
  await keyboard.press("Enter");
  await expectFocused(ann.button("Manage Kelp"));
  await keyboard.press("Enter");
  await tabTo(page, "Create invite link");
  await keyboard.press("Enter");
  await tabTo(page, "Copy link");
  await keyboard.press("Enter");
  await expect(page.getByText("Copied")).toBeVisible();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  await keyboard.press("Escape");
  await expectFocused(ann.button("Account"));

  await ben.page.bringToFront();
  await ben.page.goto(link);
  await expect(ben.button("Join")).toBeVisible();
  await tabTo(ben.page, "Join");
  await ben.page.keyboard.press("Enter");
  await expect(ben.page.getByRole("dialog")).toHaveCount(0);
  await expect(ben.composer).toBeEditable();
});

const LOOKS = [
  { name: "desktop", width: 1280, height: 800, scheme: "light" },
  { name: "phone", width: 390, height: 844, scheme: "light" },
  { name: "dark", width: 1280, height: 800, scheme: "dark" },
  { name: "narrow", width: 320, height: 640, scheme: "light" },
] as const;

async function expectAccessible(page: Page, what: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${what}: ${id}: ${nodes[0]?.html}`)).toEqual([]);
}

/** Pictures a page everywhere; nothing may be cut off, and axe finds nothing on a narrow one nor in the dark. */
async function look(page: Page, what: string): Promise<void> {
  for (const { name, width, height, scheme } of LOOKS) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    const isCut = await page.evaluate(() =>
      [document.documentElement, ...document.querySelectorAll("[role=dialog]")].some(
        (box) => box.scrollWidth > box.clientWidth,
      ),
    );
    expect(isCut, `${what} on ${name} scrolls sideways`).toBe(false);
    await page.screenshot({ path: `test-results/workspaces/${what}-${name}.png`, animations: "disabled" });
    if (name === "dark" || name === "narrow") await expectAccessible(page, `${what}, ${name}`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

test("every dialog looks as it should everywhere, and axe finds nothing", async ({ person, app, browser }) => {
  const { ann, ben } = await annAndBen(person, "guest");
  await look(ben.page, "guest");
  const cleo = await person("Cleopatra of the Long Name who is here");
  await join(cleo.page, await createInviteLink(ann.page, "Kelp"));
  await look(ann.page, "invited");
  await ann.button("All workspaces").click();
  await look(ann.page, "list");
  const managing = await manage(ann.page, "Kelp");
  await managing.getByRole("button", { name: "Remove Ben" }).click();
  await managing.getByText("What each role may do").click();
  await look(ann.page, "manage");
  await look((await manage(ben.page, "Kelp")).page(), "manage-as-guest");

  const context = await browser.newContext();
  const guest = chatPage(await context.newPage());
  await ann.button("All workspaces").click();
  await guest.page.goto(await createInviteLink(ann.page, "Kelp"));
  await expect(guest.button("Create an account or sign in")).toBeVisible();
  await look(guest.page, "join-guest");
  await guest.page.goto(`${app.url}/account/reset#0123456789abcdef0123456789`);
  await expect(guest.page.getByRole("dialog", { name: "Set a new password" })).toBeVisible();
  await look(guest.page, "reset");
  await guest.page.goto(`${app.url}/account/verify#0123456789abcdef0123456789`);
  await expect(guest.page.getByRole("alert")).toContainText("This link is over");
  await look(guest.page, "verify-over");
  await guest.page.goto(`${app.url}/account/failed#email-taken`);
  await expect(guest.page.getByRole("dialog", { name: "Signing in didn't work" })).toBeVisible();
  await look(guest.page, "failed");
  await context.close();
});
