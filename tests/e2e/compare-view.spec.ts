import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import type { Page } from "@playwright/test";
import { buildPage } from "#tests/bench/build-page.ts";
import type { comparePage as ComparePage } from "./compare-view-page.tsx";

declare const comparePage: typeof ComparePage;

let script = "";
let style = "";

test.beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-compare-"));
  script = await buildPage("../e2e/compare-view-page.tsx", folder);
  const sheets = (await readdir(folder)).filter((name) => name.endsWith(".css"));
  style = await readFile(join(folder, sheets[0] ?? ""), "utf8");
  await rm(folder, { recursive: true });
});

async function load(page: Page): Promise<void> {
  await page.route("https://compare.test/", (route) =>
    route.fulfill({
      contentType: "text/html",
      body: "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>",
    }),
  );
  await page.goto("https://compare.test/");
  await page.addStyleTag({ content: style });
  await page.addScriptTag({ content: `window.process = { env: { NODE_ENV: "production" } };` });
  await page.addScriptTag({ content: script, type: "module" });
  await page.waitForFunction(() => "comparePage" in globalThis);
}

async function open(page: Page, direction: "ltr" | "rtl" = "ltr"): Promise<void> {
  await load(page);
  await page.evaluate((dir) => comparePage.open(dir), direction);
  await expect(page.getByRole("status")).toHaveText(
    "2 messages changed, 1 added, model differs, system prompt differs",
  );
}

const message = (page: Page, name: string) => page.getByRole("article", { name });

test("what differs is marked for eyes and ears, what is the same is folded and can be shown", async ({ page }) => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await open(page);
  const changed = message(page, "Answer, message 10 Changed");
  await expect(changed.locator("del")).toHaveText(["sea", "const period = 12.42;"]);
  await expect(changed.locator("del").first()).toMatchAriaSnapshot('- deletion: "removed: sea end of removed"');
  await expect(changed.locator("ins").first()).toMatchAriaSnapshot('- insertion: "added: water end of added"');
  await expect(changed.locator("del").first()).toHaveCSS("text-decoration-line", "line-through");
  await expect(changed.getByText("Run differs: Model")).toBeVisible();
  await expect(message(page, "Added")).toContainText("<img src=x onerror=alert(1)>");
  await expect(page.getByRole("row", { name: "Model t/m t/other Changed" })).toBeVisible();
  await expect(page.getByRole("article")).toHaveCount(5);
  await page.getByRole("button", { name: "Show 8 unchanged messages" }).click();
  await expect(page.getByRole("article")).toHaveCount(13);
});

test("it is laid out as chosen, and in each other where there is no room for two", async ({ page }) => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await open(page);
  const changed = message(page, "Answer, message 10 Changed");
  await expect(changed.locator(".compare-column")).toHaveCount(2);
  const layout = page.getByRole("radiogroup", { name: "Layout" });
  await layout.getByRole("radio", { name: "Inline" }).check();
  await expect(changed.locator(".compare-column")).toHaveCount(0);
  await layout.getByRole("radio", { name: "Side by side" }).check();
  await page.setViewportSize({ width: 390, height: 844 });
  await expect(layout).toHaveCount(0);
  await expect(changed.locator(".compare-column")).toHaveCount(0);
});

test("what is out of view is laid out when somebody goes there, and not before", async ({ page }) => {
  await page.setViewportSize({ width: 1280, height: 300 });
  await open(page);
  await page.getByRole("button", { name: "Show 8 unchanged messages" }).click();
  const isLaidOut = (name: string): Promise<boolean> =>
    message(page, name)
      .locator(".compare-text")
      .first()
      .evaluate((text) => text.checkVisibility({ contentVisibilityAuto: true }));
  await page.evaluate(() => document.querySelector(".compare-settings")?.scrollIntoView());
  await expect.poll(() => isLaidOut("You, message 13 Added")).toBe(false);
  await page.getByRole("button", { name: "Previous change" }).click();
  await expect(message(page, "You, message 13 Added")).toBeFocused();
  await expect(message(page, "You, message 13 Added")).toBeInViewport();
  await expect.poll(() => isLaidOut("You, message 13 Added")).toBe(true);
  await expect.poll(() => isLaidOut("You, message 1")).toBe(false);
});

test("a long comparison is drawn some in each frame, and each message once", async ({ page }) => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await load(page);
  const frames = await page.evaluate(() => comparePage.openLong());
  const marks = await page.locator("del, ins").count();
  expect(marks).toBeGreaterThan(5_000);
  expect(frames.reduce((sum, count) => sum + count)).toBe(marks);
  // The longest message alone has 184 parts.
  expect(Math.max(...frames)).toBeLessThanOrEqual(184);
});

test("the change before the first is the last, and what is printed is all, however little is drawn yet", async ({
  page,
}) => {
  await load(page);
  const drawn = await page.evaluate(() => comparePage.drawnWhen("beforeprint"));
  expect(drawn.before).toBeLessThan(100);
  expect(drawn.after).toBe(200);
  await page.reload();
  await load(page);
  const stepped = await page.evaluate(() => comparePage.drawnWhen("previous"));
  expect(stepped.before).toBeLessThan(100);
  await expect(page.locator(":focus").getByRole("heading")).toContainText("message 200");
});

test("a fold that is opened leaves drawn what is below it", async ({ page }) => {
  await open(page);
  const below = message(page, "You, message 13 Added");
  await below.evaluate((row) => Object.assign(globalThis, { row }));
  await page.getByRole("button", { name: "Show 8 unchanged messages" }).click();
  await expect(page.getByRole("article")).toHaveCount(13);
  expect(await below.evaluate((row) => (globalThis as { row?: unknown }).row === row)).toBe(true);
});

test("the keyboard goes from change to change", async ({ page }) => {
  await open(page);
  const next = page.getByRole("button", { name: "Next change" });
  const seen: string[] = [];
  for (let step = 0; step < 4; step++) {
    await next.focus();
    await page.keyboard.press("Enter");
    seen.push((await page.locator(":focus").getByRole("heading").first().textContent()) ?? "");
  }
  expect(seen).toEqual(["Settings", "Answer, message 10Changed", "Answer, message 12Changed", "You, message 13Added"]);
  await page.getByRole("button", { name: "Previous change" }).click();
  await expect(page.locator(":focus").getByRole("heading")).toContainText("message 12");
});

for (const { name, width, scheme, direction, text } of [
  { name: "a wide light page", width: 1280, scheme: "light", direction: "ltr", text: 100 },
  { name: "a wide dark page", width: 1280, scheme: "dark", direction: "rtl", text: 100 },
  { name: "320 px", width: 320, scheme: "light", direction: "ltr", text: 100 },
  { name: "320 px, dark, from right to left", width: 320, scheme: "dark", direction: "rtl", text: 100 },
  { name: "text of twice the size", width: 640, scheme: "light", direction: "ltr", text: 200 },
] as const)
  test(`nothing is wrong for axe, and nothing sticks out: ${name}`, async ({ page }) => {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme: scheme });
    await open(page, direction);
    await page.addStyleTag({ content: `html { font-size: ${text}%; }` });
    for (const details of await page.locator("details").all()) await details.locator("summary").click();
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    await page.screenshot({ path: `test-results/compare-${name.replaceAll(/\W+/gu, "-")}.png`, fullPage: true });
  });
