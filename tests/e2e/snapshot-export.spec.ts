import { expect } from "@playwright/test";
import type { Browser, Page } from "@playwright/test";
import type { Jwks } from "#shared/provenance/signing-keys.ts";
import type { FileVerdict } from "#shared/provenance/verify-snapshot-file.ts";
import { verifySnapshotFile } from "#shared/provenance/verify-snapshot-file.ts";
import { answer } from "#tests/support/provider-behaviour.ts";
import { openSavedChat, withNetwork } from "./chat-page.ts";
import type { ChatPage } from "./chat-page.ts";
import { savedText } from "./device.ts";
import { test } from "./fixtures.ts";
import { expectSealed, openSnapshot, picture } from "./snapshot-steps.ts";

const PROMPT = "tides / and <moons>";

test.beforeEach(({ app }) => app.provider.scriptOtherwise(answer("The **Moon**, says <script>alert(1)</script>.")));

/** Chooses an entry of the page's Export menu, and answers what was saved. */
async function exported(page: Page, format: string): Promise<{ name: string; text: string }> {
  await page.getByRole("button", { name: "Export", exact: true }).click();
  return await savedText(page, () => page.getByRole("menuitem", { name: format, exact: true }).click());
}

/** What a browser makes of a page that somebody saved: its words, and what it asked for beside itself. */
async function opened(browser: Browser, html: string) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const requests: string[] = [];
  const dialogs: string[] = [];
  page.on("dialog", async (dialog) => {
    dialogs.push(dialog.message());
    await dialog.dismiss();
  });
  await page.route("**/*", (route) => {
    const url = route.request().url();
    if (url === "https://saved.test/") return route.fulfill({ contentType: "text/html; charset=utf-8", body: html });
    requests.push(url);
    return route.abort();
  });
  await page.goto("https://saved.test/");
  const found = {
    title: await page.title(),
    text: await page.locator("body").innerText(),
    scripts: await page.locator("script").count(),
    requests,
    dialogs,
  };
  await context.close();
  return found;
}

/** Held against the keys that the server publishes, as `npm run verify` does. */
async function verify(file: string, url: string): Promise<FileVerdict> {
  const keys = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as Jwks;
  return await verifySnapshotFile(new TextEncoder().encode(file), keys);
}

test("a snapshot is saved as Markdown, JSON, a page that runs and asks nothing, and a file that the server signed", async ({
  page,
  app,
  browser,
}) => {
  const chat = await openSavedChat(page, app.url, PROMPT);
  await openSnapshot(chat, "A file / name");
  await expectSealed(page);
  const markdown = await exported(page, "Markdown");
  expect(markdown.name).toBe("A file name 1.md");
  expect(markdown.text).toContain("# A file / name");
  expect(markdown.text).toContain("The **Moon**, says");
  // Who wrote it is said by a signature that the page has checked, in the heading of the answer.
  expect(markdown.text).toMatch(/^## scripted-1 \(Verified/mu);
  const json = await exported(page, "JSON");
  expect(json.name).toBe("A file name 1.json");
  expect(JSON.parse(json.text)).toMatchObject({ format: "holdfast.snapshot", number: 1 });
  const html = await exported(page, "HTML");
  expect(html.name).toBe("A file name 1.html");
  const found = await opened(browser, html.text);
  expect(found).toMatchObject({ title: "A file / name", scripts: 0, requests: [], dialogs: [] });
  expect(found.text).toContain("<script>alert(1)</script>");
  const signed = await exported(page, "Signed file");
  expect(signed.name).toBe("A file name 1.holdfast.json");
  const verdict = await verify(signed.text, app.url);
  expect(verdict).toMatchObject({ type: "intact", trust: "trusted", file: { meta: { title: "A file / name" } } });
  expect(await verify(signed.text.replace("Moon", "Noon"), app.url)).toMatchObject({ type: "changed" });
});

test("rows of both lists and the menu of a chat save files as well", async ({ page, app }) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  const dialog = page.getByRole("dialog", { name: /^Export “/u });
  const choose = (format: string) => () => dialog.getByRole("button", { name: format, exact: true }).click();
  await chat.chooseFromMenu("tides and moons", "Export…");
  await expect(dialog.getByRole("button", { name: "Signed file" })).toHaveCount(0);
  const markdown = await savedText(page, choose("Markdown"));
  expect(markdown.name).toBe("tides and moons.md");
  await expect(dialog).toBeHidden();
  await chat.button("More").click();
  await page.getByRole("menuitem", { name: "Export…" }).click();
  const json = await savedText(page, choose("JSON"));
  expect(json.name).toBe("tides and moons.json");
  expect(JSON.parse(json.text)).toMatchObject({ format: "holdfast.export" });
  await openSnapshot(chat, "Kept");
  await expectSealed(page);
  await page.getByRole("tab", { name: "Snapshots" }).click();
  await chat.chooseFromMenu("Kept", "Export…");
  const signed = await savedText(page, choose("Signed file"));
  expect(signed.name).toBe("Kept 1.holdfast.json");
  expect((await verify(signed.text, app.url)).type).toBe("intact");
});

test("offline all but the signed file is there, and the menu says why that is not", async ({ page, app, browser }) => {
  const network = await withNetwork(page);
  const chat = await openSavedChat(page, app.url, "tides and moons");
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await network.cut();
  await openSnapshot(chat, "Offline");
  for (const [format, ending] of [
    ["Markdown", "md"],
    ["JSON", "json"],
    ["HTML", "html"],
  ] as const) {
    const file = await exported(page, format);
    expect(file.name).toBe(`Offline 1.${ending}`);
    expect(file.text).toContain("tides and moons");
    if (format === "HTML") expect(await opened(browser, file.text)).toMatchObject({ scripts: 0, requests: [] });
  }
  await expectNotSigned(chat, "once the snapshot is sealed");
  await network.restore();
  await expect(page.getByText(/sealed/u)).toHaveCount(0, { timeout: 30_000 });
  await network.cut();
  await expectNotSigned(chat, "when you're back online");
});

async function expectNotSigned({ page }: ChatPage, why: string): Promise<void> {
  const signed = page.getByRole("menuitem", { name: "Signed file" });
  await expect(async () => {
    await page.getByRole("button", { name: "Export", exact: true }).click();
    await expect(signed).toHaveAttribute("aria-description", new RegExp(why, "u"), { timeout: 1_000 });
  }).toPass({ timeout: 15_000 });
  await signed.click({ force: true });
  await expect(signed).toBeVisible();
  await page.keyboard.press("Escape");
}

test("where the server signs nothing now, it is said, and nothing is saved", async ({ page, app }) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  await openSnapshot(chat, "Unlucky");
  await expectSealed(page);
  await page.route("**/api/snapshots/*/file", (route) => route.fulfill({ status: 503, body: "{}" }));
  let downloads = 0;
  page.on("download", () => (downloads += 1));
  await chat.button("Export").click();
  await page.getByRole("menuitem", { name: "Signed file" }).click();
  await expect(page.getByText("The server couldn't sign it right now. Nothing was saved.")).toBeVisible();
  expect(downloads).toBe(0);
});

test("menu and dialog look as they should everywhere, and axe finds nothing serious", async ({ page, app }) => {
  test.setTimeout(120_000);
  const network = await withNetwork(page);
  const chat = await openSavedChat(page, app.url, "How do tides work?");
  await openSnapshot(chat, "The first try");
  await expectSealed(page);
  await picture(page, "export-page");
  await chat.button("Export").click();
  await expect(page.getByRole("menuitem")).toHaveCount(4);
  await picture(page, "export-menu");
  await page.keyboard.press("Escape");
  await page.getByRole("tab", { name: "Snapshots" }).click();
  await network.cut();
  await expect(chat.syncStatus).toContainText("Offline");
  await chat.chooseFromMenu("The first try", "Export…");
  await picture(page, "export-dialog");
  await page.keyboard.press("Escape");
  await chat.button("Export").click();
  await picture(page, "export-menu-offline");
});
