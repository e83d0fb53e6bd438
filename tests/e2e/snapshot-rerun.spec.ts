import { expect } from "@playwright/test";
import type { Page } from "@playwright/test";
import { answer } from "#tests/support/provider-behaviour.ts";
import type { RecordedRequest } from "#tests/support/scripted-provider.ts";
import { openScriptedProvider } from "#tests/support/scripted-provider.ts";
import { chatPage, openSavedChat, withNetwork } from "./chat-page.ts";
import type { ChatPage } from "./chat-page.ts";
import { test as base } from "./fixtures.ts";
import { expectSealed, openSnapshot, picture } from "./snapshot-steps.ts";

/** Two models, which answer differently. */
const test = base.extend({
  // oxlint-disable-next-line eslint/no-empty-pattern -- a fixture that needs no other says so by this
  provider: async ({}, provide) => {
    const provider = await openScriptedProvider({ models: ["first-model", "second-model"] });
    provider.scriptOtherwise(({ body }: RecordedRequest) =>
      answer(body.model === "first-model" ? "The Moon pulls the sea." : "The Sun pulls the sea as well."),
    );
    await provide(provider);
    await provider.close();
  },
});

const rerunOf = (page: Page) => ({
  dialog: page.getByRole("dialog", { name: "Run again with another model" }),
  notice: page.getByRole("region", { name: "Asked again" }),
  compare: page.getByRole("link", { name: "Compare with Snapshot 2" }),
});

/** A chat that the first model answered, with a snapshot of it on the page. */
async function openAnswered(page: Page, url: string): Promise<ChatPage> {
  const chat = await openSavedChat(page, url, "tides and moons");
  await expect(chat.lastArticle).toContainText("The Moon pulls");
  await openSnapshot(chat, "Tides");
  await expectSealed(page);
  return chat;
}

async function runAgain(chat: ChatPage): Promise<void> {
  const { dialog } = rerunOf(chat.page);
  await chat.button("Re-run").click();
  await dialog.getByRole("button", { name: "Run", exact: true }).click();
  await expect(dialog).toBeHidden();
}

/** How many snapshots of the chat there are, by its list of versions. */
async function expectVersions(page: Page, count: number): Promise<void> {
  // Firefox animates nothing in a page that is behind, and so never finds a button there at rest.
  await page.bringToFront();
  await page.getByRole("button", { name: /^Snapshot \d+ of \d+$/u }).click();
  const versions = page.getByRole("dialog", { name: "Snapshots of this chat" });
  await expect(versions.getByRole("checkbox", { name: /^Choose Snapshot/u })).toHaveCount(count);
  await page.keyboard.press("Escape");
}

test("another model is asked the same, and its answer becomes a snapshot that is compared with this one", async ({
  page,
  app,
}) => {
  const chat = await openAnswered(page, app.url);
  const { dialog, notice, compare } = rerunOf(page);
  await chat.button("Re-run").click();
  await expect(dialog).toContainText("The result becomes a new snapshot beside this one.");
  await expect(dialog).toContainText("tides and moons");
  const model = dialog.getByRole("combobox", { name: "Model" });
  await expect(model.getByRole("option")).toHaveText([
    "first-model (answered this snapshot)",
    "second-model",
    "Built-in guide",
  ]);
  await expect(model).toHaveValue(/second-model$/u);
  await dialog.getByRole("button", { name: "Run", exact: true }).click();
  await expect(compare).toBeVisible({ timeout: 30_000 });
  await expect(notice).toContainText("second-model has answered.");
  expect(app.provider.requests.map(({ body }) => [body.model, body.messages])).toEqual([
    ["first-model", [{ role: "user", content: "tides and moons" }]],
    ["second-model", [{ role: "user", content: "tides and moons" }]],
  ]);
  await expectVersions(page, 2);
  await compare.click();
  await expect(page.getByText("1 message changed")).toBeVisible();
  await expect(page.getByRole("row", { name: /Model/u })).toContainText("first-model");
  await expect(page.getByRole("row", { name: /Model/u })).toContainText("second-model");
  await expect(page.locator("ins").filter({ hasText: "Sun" })).toBeVisible();
});

test("after a reload in the middle it is still waited for, and taken once, with two tabs that wait", async ({
  page,
  context,
  app,
}) => {
  const chat = await openAnswered(page, app.url);
  app.provider.script(answer(["The ", "Sun ", "as ", "well."], { pace: "gated" }));
  await runAgain(chat);
  await app.provider.request(1);
  const { notice, compare } = rerunOf(page);
  await expect(notice).toContainText("second-model is answering. The result will be compared here.");
  await page.reload();
  await expect(notice).toContainText("second-model is answering");
  const other = await context.newPage();
  await other.goto(page.url());
  await expect(rerunOf(other).notice).toContainText("second-model is answering");
  const third = await context.newPage();
  await third.goto(page.url().replace(/\/snapshots\/.*/u, "/"));
  await chatPage(third).row("tides and moons").first().click();
  await expect(chatPage(third).button("Stop")).toBeVisible();
  await app.provider.release(5, 1);
  for (const one of [page, other]) await expect(rerunOf(one).compare).toBeVisible({ timeout: 30_000 });
  await expect(compare).toHaveCount(1);
  for (const one of [page, other]) await expectVersions(one, 2);
  expect(app.provider.requests).toHaveLength(2);
  await page.bringToFront();
  await notice.getByRole("button", { name: "Dismiss" }).click();
  await page.reload();
  await expect(page.getByRole("button", { name: "Snapshot 1 of 2" })).toBeVisible();
  await expect(notice).toHaveCount(0);
});

test("offline it waits, says so, and is asked once when the network is back", async ({ page, app }) => {
  const network = await withNetwork(page);
  const chat = await openAnswered(page, app.url);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await network.cut();
  await runAgain(chat);
  const { notice, compare } = rerunOf(page);
  await expect(notice).toContainText("second-model will be asked when you're back online.");
  await page.reload();
  await expect(notice).toContainText("will be asked when you're back online.");
  await network.restore();
  await expect(compare).toBeVisible({ timeout: 45_000 });
  expect(app.provider.requests).toHaveLength(2);
});

test("where the model gives no answer it is said, and no snapshot is taken", async ({ page, app }) => {
  const chat = await openAnswered(page, app.url);
  app.provider.scriptOtherwise({
    kind: "refusal",
    status: 401,
    headers: {},
    error: { message: "no", type: "invalid_request_error", code: "invalid_api_key", param: null },
  });
  await runAgain(chat);
  const { notice } = rerunOf(page);
  await expect(notice).toContainText("second-model gave no answer, so there is nothing to compare.", {
    timeout: 30_000,
  });
  await expectVersions(page, 1);
  await notice.getByRole("link", { name: "Open its chat" }).click();
  await expect(page).toHaveURL(/\/c\//u);
});

test("a snapshot is restored with its settings, or without them", async ({ page, app }) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  const model = page.getByRole("combobox", { name: "Model" });
  const prompt = page.getByRole("textbox", { name: "System prompt" });
  await model.selectOption({ label: await optionLabel(page, "first-model") });
  await openSnapshot(chat, "Tides");
  const snapshot = page.url();
  await page.getByRole("link", { name: "Open the chat" }).click();
  await model.selectOption({ label: await optionLabel(page, "second-model") });
  await chat.button("Chat settings").click();
  await prompt.fill("Be kind.");
  await page.keyboard.press("Escape");
  await chat.send("And on Mars?");
  await expect(chat.articles).toHaveCount(4);
  await expect(chat.button("Stop")).toBeHidden();
  for (const [withSettings, expected] of [
    [false, { model: /second-model/u, prompt: "Be kind." }],
    [true, { model: /first-model/u, prompt: "" }],
  ] as const) {
    await page.goto(snapshot);
    await chat.button("Restore").click();
    const dialog = page.getByRole("dialog", { name: "Restore this snapshot?" });
    const box = dialog.getByRole("checkbox", { name: "Also use its model, system prompt and parameters" });
    await expect(box).toBeChecked();
    await box.setChecked(withSettings);
    await dialog.getByRole("button", { name: "Restore" }).click();
    await expect(page).toHaveURL(/\/c\//u);
    await expect(chat.articles).toHaveCount(2);
    await expect(model).toHaveValue(expected.model);
    await chat.button("Chat settings").click();
    await expect(prompt).toHaveValue(expected.prompt);
    await page.keyboard.press("Escape");
  }
});

const optionLabel = async (page: Page, part: string): Promise<string> =>
  (await page
    .getByRole("combobox", { name: "Model" })
    .getByRole("option")
    .filter({ hasText: part })
    .first()
    .textContent()) ?? "";

test("where the chat is in the trash, restoring says so and offers a duplicate", async ({ page, app }) => {
  const chat = await openAnswered(page, app.url);
  await page.getByRole("tab", { name: "Conversations" }).click();
  await chat.chooseFromMenu("tides and moons", "Delete");
  await chat.button("Restore").click();
  const dialog = page.getByRole("dialog", { name: "Restore this snapshot?" });
  await dialog.getByRole("button", { name: "Restore" }).click();
  await expect(dialog.getByRole("alert")).toContainText("in the trash");
  await picture(page, "restore-in-trash");
  await dialog.getByRole("button", { name: "Duplicate" }).click();
  await expect(page).toHaveURL(/\/c\//u);
  await expect(chat.articles).toHaveCount(2);
});

test("the notice of an answer leads to its chat until that is erased", async ({ page, app }) => {
  const chat = await openAnswered(page, app.url);
  const { notice, compare } = rerunOf(page);
  await runAgain(chat);
  await expect(compare).toBeVisible({ timeout: 30_000 });
  const link = notice.getByRole("link", { name: "Open its chat" });
  await expect(link).toBeVisible();
  const address = page.url();
  await page.getByRole("tab", { name: "Conversations" }).click();
  await chat.chooseFromMenu("tides and moons", "Delete");
  // What is in the trash can still be read.
  await expect(link).toBeVisible();
  await page.goto(`${app.url}/trash`);
  await chat.button("Erase tides and moons").click();
  await page.getByRole("dialog").getByRole("button", { name: "Erase", exact: true }).click();
  await expect(chat.button("Erase tides and moons")).toBeHidden();
  await page.goto(address);
  await expect(compare).toBeVisible();
  await expect(link).toBeHidden();
});

test("dialogs and notices look as they should everywhere, and axe finds nothing serious", async ({ page, app }) => {
  test.setTimeout(120_000);
  const chat = await openAnswered(page, app.url);
  await chat.button("Re-run").click();
  await expect(rerunOf(page).dialog.getByRole("combobox")).toBeVisible();
  await picture(page, "rerun-dialog");
  await page.keyboard.press("Escape");
  await chat.button("Restore").click();
  await picture(page, "restore-dialog");
  await page.keyboard.press("Escape");
  app.provider.script(answer(["The ", "Sun."], { pace: "gated" }));
  await runAgain(chat);
  await expect(rerunOf(page).notice).toContainText("is answering");
  await picture(page, "rerun-waiting");
  await app.provider.release(3, 1);
  await expect(rerunOf(page).compare).toBeVisible({ timeout: 30_000 });
  await picture(page, "rerun-done");
});
