import { expect } from "@playwright/test";
import type { Locator, Page } from "@playwright/test";
import { PASSWORD } from "#tests/support/account.ts";

/** Opens an item of the account menu. */
export async function chooseInAccountMenu(page: Page, item: string): Promise<void> {
  await page.getByRole("button", { name: "Account", exact: true }).click();
  await page.getByRole("menuitem", { name: item, exact: true }).click();
}

/** Makes an account of the guest of a page; resolves when the page is open as that account. */
export async function createAccount(page: Page, email: string, name = "Ada"): Promise<void> {
  await chooseInAccountMenu(page, "Sign in or create an account…");
  await page.getByRole("button", { name: "Create an account" }).click();
  const dialog = page.getByRole("dialog", { name: "Create an account" });
  await dialog.getByRole("textbox", { name: "Name" }).fill(name);
  await dialog.getByRole("textbox", { name: "E-mail" }).fill(email);
  await dialog.getByLabel("Password").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Create account" }).click();
  await expectAccount(page, email);
}

/**
 * Signs in as somebody who has an account, over the page of a guest or on the page where nobody is signed in.
 * @param where the dialog, where another one lies behind it
 */
export async function signInHere(where: Page | Locator, email: string, password = PASSWORD): Promise<void> {
  await where.getByRole("textbox", { name: "E-mail" }).fill(email);
  await where.getByLabel("Password").fill(password);
  await where.getByRole("button", { name: "Sign in", exact: true }).click();
}

export async function signOut(page: Page): Promise<void> {
  await chooseInAccountMenu(page, "Sign out…");
  await page.getByRole("dialog", { name: "Sign out?" }).getByRole("button", { name: "Sign out", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
}

/** The page is open as the account of this address; it may start again on the way there. */
export async function expectAccount(page: Page, email: string): Promise<void> {
  await expect(async () => {
    await expect(page.getByRole("dialog")).toHaveCount(0, { timeout: 2_000 });
    await page.getByRole("button", { name: "Account", exact: true }).click({ timeout: 2_000 });
    await expect(page.getByRole("menu")).toContainText(email, { timeout: 2_000 });
  }).toPass({ timeout: 20_000 });
  await page.keyboard.press("Escape");
  await expect(page.getByRole("menu")).toHaveCount(0);
}
