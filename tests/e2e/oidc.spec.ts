import { expect } from "@playwright/test";
import { openOidcPeer } from "#tests/support/oidc-peer.ts";
import type { OidcPeer } from "#tests/support/oidc-peer.ts";
import { newEmail } from "#tests/support/account.ts";
import { chooseInAccountMenu, createAccount, expectAccount, signOut } from "./account-steps.ts";
import { test } from "./fixtures.ts";

let peer: OidcPeer;
test.afterEach(async () => {
  await peer?.close();
});

test("signing in with a provider brings what a guest wrote along, and never takes over an account by its e-mail", async ({
  chat,
  app,
}) => {
  test.setTimeout(120_000);
  const { page } = chat;
  peer = await openOidcPeer({ redirectUri: `${app.url}/api/auth/callback/oidc` });
  await app.server.kill("SIGKILL");
  await app.server.restart({ ...peer.env, PUBLIC_URL: app.url });
  const email = newEmail();
  peer.add({ sub: "kay", email, email_verified: true, name: "Kay" });
  await chat.send("Written as a guest");
  await expect(chat.lastArticle).toContainText("A scripted answer.");
  await chat.saved();

  const throughProvider = async (sub: string): Promise<void> => {
    await page.getByRole("button", { name: "Sign in with Kelp ID" }).click();
    await page.getByPlaceholder("Enter any login").fill(sub);
    await page.getByPlaceholder("and password").fill("any");
    await page.getByRole("button", { name: "Sign-in" }).click();
    await page.getByRole("button", { name: "Continue" }).click();
  };
  await chooseInAccountMenu(page, "Sign in or create an account…");
  await throughProvider("kay");
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
  await throughProvider("mallory");
  await expect(page.getByRole("alert")).toContainText("e-mail");
  await expect(page.getByRole("navigation", { name: "Library" })).toHaveCount(0);
});
