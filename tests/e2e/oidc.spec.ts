import { expect } from "@playwright/test";
import { openOidcPeer } from "#tests/support/oidc-peer.ts";
import type { OidcPeer } from "#tests/support/oidc-peer.ts";
import type { Page } from "@playwright/test";
import Sqlite from "better-sqlite3";
import { join } from "node:path";
import { newEmail } from "#tests/support/account.ts";
import { chooseInAccountMenu, createAccount, expectAccount, signInHere, signOut } from "./account-steps.ts";
import { test } from "./fixtures.ts";
import type { App } from "./fixtures.ts";

let peer: OidcPeer;
test.afterEach(async () => {
  await peer?.close();
});

/** Has the app know the provider from now on. */
async function openProvider(app: App): Promise<void> {
  peer = await openOidcPeer({ redirectUri: `${app.url}/api/auth/callback/oidc` });
  await app.server.kill("SIGKILL");
  await app.server.restart({ ...peer.env, PUBLIC_URL: app.url });
}

/** Goes to the provider by a button, and comes back as somebody there. */
async function throughProvider(page: Page, button: string, sub: string): Promise<void> {
  await page.getByRole("button", { name: button }).click();
  await page.getByPlaceholder("Enter any login").fill(sub);
  await page.getByPlaceholder("and password").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
}

test("signing in with a provider brings what a guest wrote along, and never takes over an account by its e-mail", async ({
  chat,
  app,
}) => {
  test.setTimeout(120_000);
  const { page } = chat;
  await openProvider(app);
  const email = newEmail();
  peer.add({ sub: "kay", email, email_verified: true, name: "Kay" });
  await chat.send("Written as a guest");
  await expect(chat.lastArticle).toContainText("A scripted answer.");
  await chat.saved();

  await chooseInAccountMenu(page, "Sign in or create an account…");
  await throughProvider(page, "Sign in with Kelp ID", "kay");
  await expectAccount(page, email);
  await expect(chat.row("Written as a guest")).toBeVisible();
  await signOut(page);
  await page.getByRole("button", { name: "Continue without an account" }).click();

  // Somebody at the provider says they have the address of an account here: they do not get it.
  const victim = newEmail();
  await createAccount(page, victim);
  await signOut(page);
  peer.add({ sub: "mallory", email: victim, email_verified: true, name: "Mallory" });
  // The provider remembers who came last.
  await page.context().clearCookies({ domain: "127.0.0.1" });
  await throughProvider(page, "Sign in with Kelp ID", "mallory");
  await expect(page.getByRole("alert")).toContainText("e-mail");
  await expect(page.getByRole("navigation", { name: "Library" })).toHaveCount(0);
});

test("an account at the provider is added to one's own, after signing in again in place, and removed", async ({
  chat,
  app,
}) => {
  test.setTimeout(120_000);
  const { page } = chat;
  await openProvider(app);
  peer.add({ sub: "kay", email: newEmail(), email_verified: true, name: "Kay" });
  const email = newEmail();
  await createAccount(page, email);
  const database = new Sqlite(join(app.server.dataDir, "holdfast.sqlite"));
  database.prepare('UPDATE session SET "createdAt" = ?').run(new Date(Date.now() - 3_600_000).toISOString());
  database.close();

  const dialog = page.getByRole("dialog", { name: "Account" });
  await chooseInAccountMenu(page, "Account…");
  await dialog.getByRole("button", { name: "Add Kelp ID" }).click();
  await expect(dialog.getByRole("alert")).toContainText("You signed in a while ago.");
  await dialog.getByRole("button", { name: "Sign in again" }).click();
  await signInHere(page.getByRole("dialog", { name: "Sign in" }), email);
  await expectAccount(page, email);
  await chooseInAccountMenu(page, "Account…");
  await throughProvider(page, "Add Kelp ID", "kay");
  await expectAccount(page, email);
  await signOut(page);

  // The provider remembers who came last, and asks nothing.
  await page.getByRole("button", { name: "Sign in with Kelp ID" }).click();
  await expectAccount(page, email);
  await chooseInAccountMenu(page, "Account…");
  await dialog.getByRole("button", { name: "Remove Kelp ID" }).click();
  await expect(dialog.getByRole("button", { name: "Add Kelp ID" })).toBeVisible();
});
