import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";
import type { Page } from "@playwright/test";
import { chatPage, expectFocused, openChatPage, openSavedChat } from "./chat-page.ts";
import { cutFromServer, databaseName, downloaded, garble, openBesideTheApp } from "./device.ts";
import { test } from "./fixtures.ts";

// A worker delivers what waits also where the page cannot reach the server.
test.use({ serviceWorkers: "block" });

const LOOKS = [
  { name: "desktop-light", width: 1280, height: 800, scheme: "light" },
  { name: "desktop-dark", width: 1280, height: 800, scheme: "dark" },
  { name: "phone-light", width: 390, height: 844, scheme: "light" },
  { name: "phone-dark", width: 390, height: 844, scheme: "dark" },
] as const;

async function openStorage(page: Page) {
  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("menuitem", { name: "Storage…" }).click();
  const dialog = page.getByRole("dialog", { name: "Storage on this device" });
  await expect(dialog).toBeVisible();
  return {
    dialog,
    /** What is said of one fact. */
    row: (name: string) =>
      dialog
        .locator("div")
        .filter({ has: page.getByRole("term").getByText(name, { exact: true }) })
        .getByRole("definition"),
  };
}

async function graveViolations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id }) => id);
}

/** Counts how often the browser is asked to keep what is stored, over all pages of a context. */
async function watchPersist(page: Page): Promise<() => Promise<number>> {
  let asked = 0;
  await page.context().exposeFunction("countPersist", () => void (asked += 1));
  await page.context().addInitScript(() => {
    navigator.storage.persist = () => {
      void (globalThis as unknown as { countPersist: () => Promise<void> }).countPersist();
      return Promise.resolve(false);
    };
  });
  return () => Promise.resolve(asked);
}

test("the browser is asked to keep what is stored after the first saved chat, never at start, and once", async ({
  page,
  app,
}) => {
  const asked = await watchPersist(page);
  const chat = await openChatPage(page, app.url);
  await chat.saved();
  await page.waitForTimeout(5_000);
  expect(await asked()).toBe(0);
  await chat.send("tides and moons");
  await expect.poll(asked).toBe(1);
  await page.reload();
  await chat.saved();
  await page.waitForTimeout(5_000);
  expect(await asked()).toBe(1);
});

test("Settings say what is stored here, what waits and what was set aside, and everything can be taken along", async ({
  page,
  app,
}) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  const storage = await openStorage(page);
  await expect(storage.row("Used by Holdfast")).toContainText(/\d (kB|MB|byte)/u);
  await expect(storage.row("Kept by the browser")).toContainText(/Promised|Not promised/u);
  await expect(storage.row("Chats here")).toHaveText("1 of 1");
  await expect(storage.row("Changes to send")).toContainText("None");
  await expect(storage.row("Set aside")).toHaveText("Nothing");
  const file = await downloaded(page, () => storage.dialog.getByRole("button", { name: "Export everything…" }).click());
  expect(file.content).toMatchObject({
    format: "holdfast.export",
    conversations: [{ title: "tides and moons", shown: [expect.anything(), expect.anything()], onServer: true }],
    notOnThisDevice: [],
  });
  await expect(storage.dialog.getByText("Exported 1 chat.")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(storage.dialog).toHaveCount(0);
  await expectFocused(page.getByRole("button", { name: "Account" }));

  await cutFromServer(page);
  await page.reload();
  await chat.composer.fill("waits");
  await expect(chat.syncStatus).toContainText(/Offline – [1-9]/u);
  const later = await openStorage(page);
  await expect(later.row("Changes to send")).toContainText(/\d changes? in 1 chat/u);
});

test("what was set aside can be exported and removed", async ({ page, app }) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  const url = page.url();
  const name = await databaseName(page);
  const beside = await openBesideTheApp(page, app.url);
  await page.close();
  await garble(beside, name, "summaries");
  const again = chatPage(await chat.page.context().newPage());
  await again.page.goto(url);
  await again.saved();
  const storage = await openStorage(again.page);
  const row = storage.row("Set aside");
  await expect(row).toContainText("1 record");
  const file = await downloaded(again.page, () => row.getByRole("button", { name: "Export…" }).click());
  expect(file.content).toMatchObject({ format: "holdfast.set-aside", records: [{ store: "summaries" }] });
  await row.getByRole("button", { name: "Remove…" }).click();
  await row.getByRole("button", { name: "Keep" }).click();
  await row.getByRole("button", { name: "Remove…" }).click();
  await row.getByRole("button", { name: "Remove", exact: true }).click();
  await expect(row).toHaveText("Nothing");
});

test("what is said of a device that cannot save looks as it should everywhere, and axe finds nothing serious", async ({
  page,
  app,
}) => {
  await page.addInitScript(() => Object.defineProperty(globalThis, "indexedDB", { value: undefined }));
  const chat = await openChatPage(page, app.url);
  await expect(chat.library.getByRole("alert")).toBeVisible();
  for (const { name, width, height, scheme } of LOOKS) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    if (width < 800) await page.getByRole("button", { name: "Can't save on this device" }).click();
    await expect(chat.button("Export…")).toBeVisible();
    await page.screenshot({ path: `test-results/states/cannot-save-${name}.png`, animations: "disabled" });
    expect(await graveViolations(page)).toEqual([]);
    if (width < 800) await page.keyboard.press("Escape");
  }
});

test("the storage dialog looks as it should everywhere, and axe finds nothing serious", async ({ chat }) => {
  const { page } = chat;
  await chat.send("tides and moons");
  await expect(chat.articles).toHaveCount(2);
  await chat.saved();
  const { dialog } = await openStorage(page);
  await expect(dialog.getByRole("button", { name: "Export everything…" })).toBeVisible();
  for (const { name, width, height, scheme } of LOOKS) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await page.screenshot({ path: `test-results/states/storage-${name}.png`, animations: "disabled" });
    expect(await graveViolations(page)).toEqual([]);
  }
  await page.setViewportSize({ width: 320, height: 640 });
  expect(await dialog.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
});
