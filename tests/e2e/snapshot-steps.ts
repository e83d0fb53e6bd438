import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";
import type { Page } from "@playwright/test";
import type { ChatPage } from "./chat-page.ts";

const PICTURES = "test-results/snapshots";
const LOOKS = [
  { name: "desktop-light", width: 1280, height: 800, scheme: "light" },
  { name: "desktop-dark", width: 1280, height: 800, scheme: "dark" },
  { name: "phone", width: 390, height: 844, scheme: "light" },
  { name: "narrow", width: 320, height: 640, scheme: "light" },
] as const;

/** Takes a snapshot of the chat that is shown, and opens its page. */
export async function openSnapshot({ page, button }: ChatPage, name: string): Promise<void> {
  await button("Take snapshot").click();
  const dialog = page.getByRole("dialog", { name: "New snapshot" });
  await dialog.getByRole("textbox", { name: "Name" }).fill(name);
  await dialog.getByRole("button", { name: "Save snapshot" }).click();
  await page.getByRole("link", { name: /^Snapshot \d+$/u }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
}

/** No longer pending: the server has it. */
export const expectSealed = (page: Page): Promise<void> =>
  expect(page.getByText(/Being sealed|will be sealed/u)).toHaveCount(0, { timeout: 15_000 });

/** Pictures what is shown, in each look, and holds it to what axe and a narrow page ask. */
export async function picture(page: Page, state: string): Promise<void> {
  for (const { name, width, height, scheme } of LOOKS) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme });
    await page.screenshot({ path: join(PICTURES, `${state}-${name}.png`), animations: "disabled" });
    const { violations } = await new AxeBuilder({ page }).analyze();
    const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    expect(grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow, `${state} at ${width} px`).toBeLessThanOrEqual(0);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}
