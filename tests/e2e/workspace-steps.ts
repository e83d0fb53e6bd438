import { expect } from "@playwright/test";
import type { Locator, Page } from "@playwright/test";
import { chooseInAccountMenu } from "./account-steps.ts";

/** Opens the dialog with the account's workspaces. */
export async function openWorkspaces(page: Page): Promise<Locator> {
  await chooseInAccountMenu(page, "Workspaces…");
  const dialog = page.getByRole("dialog", { name: "Workspaces" });
  await expect(dialog.getByText("Open now")).toBeVisible();
  return dialog;
}

/** Makes a team; the dialog stays open. */
export async function createWorkspace(page: Page, name: string): Promise<void> {
  const dialog = await openWorkspaces(page);
  await dialog.getByRole("textbox", { name: "Workspace name" }).fill(name);
  await dialog.getByRole("button", { name: "Create workspace" }).click();
  await expect(dialog.getByRole("button", { name: `Open ${name}` })).toBeVisible();
}

/** Opens another workspace of the account; resolves when the page is there. */
export async function switchTo(page: Page, name: string): Promise<void> {
  const dialog = await openWorkspaces(page);
  await dialog.getByRole("button", { name: `Open ${name}` }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
}

/** Opens what is to be said of a team. */
export async function manage(page: Page, name: string): Promise<Locator> {
  const open = page.getByRole("dialog", { name: "Workspaces" });
  const dialog = (await open.isVisible()) ? open : await openWorkspaces(page);
  await dialog.getByRole("button", { name: `Manage ${name}` }).click();
  const managing = page.getByRole("dialog", { name: `Manage ${name}` });
  await expect(managing.getByRole("heading", { name: "Members" })).toBeVisible();
  return managing;
}

/** Makes an invitation; answers its link. The dialog stays open. */
export async function createInviteLink(
  page: Page,
  workspace: string,
  { role = "member", email = "" } = {},
): Promise<string> {
  const dialog = await manage(page, workspace);
  await dialog.getByRole("combobox", { name: "Role", exact: true }).selectOption(role);
  await dialog.getByRole("textbox", { name: "E-mail" }).fill(email);
  await dialog.getByRole("button", { name: "Create invite link" }).click();
  return (await dialog.getByText("/join#").textContent()) ?? "";
}

/** Follows the link of an invitation, as somebody who has an account; resolves when the workspace is open. */
export async function join(page: Page, link: string): Promise<void> {
  await page.goto(link);
  const dialog = page.getByRole("dialog", { name: "Join a workspace" });
  await dialog.getByRole("button", { name: "Join", exact: true }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
}
