import { expect } from "@playwright/test";
import type { CDPSession, Page } from "@playwright/test";
import { newEmail } from "#tests/support/account.ts";
import { chooseInAccountMenu, createAccount, expectAccount, signOut } from "./account-steps.ts";
import { test } from "./fixtures.ts";

/** Gives the browser an authenticator that says yes, as the lock of a device does. */
async function withAuthenticator(page: Page): Promise<CDPSession> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return devtools;
}

test("a passkey is added, signs in without a password, and is removed @devtools", async ({ chat }) => {
  const { page } = chat;
  await withAuthenticator(page);
  const email = newEmail();
  await createAccount(page, email);
  await chooseInAccountMenu(page, "Account…");
  const dialog = page.getByRole("dialog", { name: "Account" });
  await dialog.getByRole("textbox", { name: "Passkey name" }).fill("Lock of this device");
  await dialog.getByRole("button", { name: "Add a passkey" }).click();
  await expect(dialog.getByRole("button", { name: "Remove passkey Lock of this device" })).toBeVisible();
  await page.keyboard.press("Escape");
  await signOut(page);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expectAccount(page, email);
  await chooseInAccountMenu(page, "Account…");
  await dialog.getByRole("button", { name: "Remove passkey Lock of this device" }).click();
  await expect(dialog.getByText("None yet.")).toBeVisible();
});

test("where there is no passkey to show, words say so and other ways stay @devtools", async ({ chat }) => {
  const { page } = chat;
  await withAuthenticator(page);
  await chooseInAccountMenu(page, "Sign in or create an account…");
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(page.getByRole("alert")).toContainText("No passkey was used.");
  await expect(page.getByRole("button", { name: "Sign in", exact: true })).toBeEnabled();
});
