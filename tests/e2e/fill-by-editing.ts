import { expect } from "@playwright/test";
import type { Browser, Locator } from "@playwright/test";

/**
 * Replaces `fill` by an edit, as typing makes one. Over WebDriver BiDi Playwright sets the value of a field by script,
 * which React takes for its own doing.
 */
export async function fillByEditing(browser: Browser): Promise<void> {
  const page = await browser.newPage();
  const locators = Object.getPrototypeOf(page.locator("body")) as Locator;
  await page.close();
  locators.fill = fill;
}

async function fill(this: Locator, text: string): Promise<void> {
  await expect(this).toBeEditable();
  await this.evaluate((field, value) => {
    if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement)) throw new Error("no field");
    field.focus();
    field.select();
    if (value !== "") document.execCommand("insertText", false, value);
    else if (field.value !== "") document.execCommand("delete");
  }, text);
}
