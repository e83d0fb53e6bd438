import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "@playwright/test";
import type { Page } from "@playwright/test";
import { answer } from "#tests/support/provider-behaviour.ts";
import { chatPage, openChatPage } from "./chat-page.ts";
import {
  buildOf,
  countLoads,
  expectBuild,
  lookForUpdate,
  test,
  untilInstalled,
  untilNextInstalled,
} from "./installed-page.ts";

const READY = "A new version is ready";

test("A11: a new version waits for Update; then all tabs follow once, but none in which somebody types", async ({
  chat,
  context,
  app,
  deploy,
}) => {
  test.setTimeout(120_000);
  await untilInstalled(chat.page);
  await chat.composer.fill("a draft here");
  const typist = chatPage(await context.newPage());
  await typist.page.goto(app.url);
  await expect(typist.composer).toHaveValue("a draft here");
  await typist.button("New chat").click();
  await typist.composer.pressSequentially("a thought in the making");
  const [loads, typistLoads] = [countLoads(chat.page), countLoads(typist.page)];
  await deploy();
  await lookForUpdate(chat.page);
  await expect(chat.page.getByText(READY)).toBeVisible();
  await expect(typist.page.getByText(READY)).toBeVisible();
  // It stays until somebody takes it up, and takes nothing from anybody meanwhile.
  await typist.composer.pressSequentially(", still");
  expect([loads(), typistLoads()]).toEqual([0, 0]);
  expect([await buildOf(chat.page), await buildOf(typist.page)]).toEqual([1, 1]);

  await chat.button("Update").click();
  await expectBuild(chat.page, 2);
  await expect(chat.composer).toHaveValue("a draft here");
  await expect(chat.page.getByText(READY)).toHaveCount(0);
  await typist.composer.pressSequentially(" and going on");
  expect([loads(), typistLoads(), await buildOf(typist.page)]).toEqual([1, 0, 1]);
  await expect(typist.composer).toHaveValue("a thought in the making, still and going on");

  await typist.composer.blur();
  await expectBuild(typist.page, 2);
  await expect(typist.composer).toHaveValue("a thought in the making, still and going on");
  expect([loads(), typistLoads()]).toEqual([1, 1]);
});

test("A11: a tab in which an answer comes in follows when it is whole", async ({ chat, context, app, deploy }) => {
  test.setTimeout(120_000);
  await untilInstalled(chat.page);
  // The server is the new one already; browsers find out later.
  await deploy();
  await chat.saved();
  app.provider.script(answer("The Moon pulls the sea, and the sea takes its time.", { pace: "gated" }));
  await chat.send("How do tides work?");
  await app.provider.release(3);
  await expect(chat.lastArticle).toContainText("The");
  const loads = countLoads(chat.page);
  const other = await openChatPage(await context.newPage(), app.url);
  await lookForUpdate(other.page);
  await other.button("Update").click();
  await expectBuild(other.page, 2);
  // Ten seconds after the last key, only the answer is a reason to wait.
  await chat.composer.blur();
  await chat.page.waitForTimeout(12_000);
  expect([loads(), await buildOf(chat.page)]).toEqual([0, 1]);
  await app.provider.release(Number.POSITIVE_INFINITY);
  await expectBuild(chat.page, 2);
  await expect(chat.lastArticle).toContainText("takes its time.");
  expect(loads()).toBe(1);
});

test("an Update that nobody presses happens when the app is closed", async ({ chat, context, app, deploy }) => {
  test.setTimeout(120_000);
  await untilInstalled(chat.page);
  await deploy();
  await lookForUpdate(chat.page);
  await untilNextInstalled(chat.page);
  await expect(chat.page.getByText(READY)).toBeVisible();
  await chat.page.getByRole("button", { name: "Close" }).last().click();
  await expect(chat.page.getByText(READY)).toHaveCount(0);
  await chat.page.close();
  // A browser lets the old worker go a moment after its last page, and one that opens sooner keeps it: so each is closed again.
  const opened = async (): Promise<number> => {
    const page = await context.newPage();
    await page.goto(app.url);
    const build = await buildOf(page);
    await page.close();
    return build;
  };
  await expect.poll(opened, { intervals: [1_000, 2_000, 5_000, 10_000], timeout: 60_000 }).toBe(2);
});

test.describe("without a worker", () => {
  test.use({ serviceWorkers: "block" });

  test("A11: a part that is gone after a deploy brings the page to the new build, once", async ({
    chat,
    app,
    build,
    deploy,
  }) => {
    await untilKeptUp(chat.page);
    await deploy();
    // As if more than seven days had passed.
    await app.server.kill("SIGKILL");
    rmSync(join(app.server.dataDir, "client-assets"), { recursive: true });
    await app.server.restart();
    const loads = countLoads(chat.page);
    await chat.button("Account").click();
    await expectBuild(chat.page, 2);
    await expect(chat.composer).toBeEditable();
    expect(loads()).toBe(1);
    await chat.button("Account").click();
    await expect(chat.page.getByRole("menuitem", { name: "Keyboard shortcuts" })).toBeVisible();
    // Not by a key: a person who typed just now is not disturbed.
    await chat.page.mouse.click(640, 200);
    await untilKeptUp(chat.page);

    // A build that lacks one of its files is loaded again once for it, and then words have to do.
    await app.server.kill("SIGKILL");
    rmSync(join(app.server.dataDir, "client-assets"), { recursive: true });
    for (const name of build.assets())
      if (name.startsWith("settings-dialog-")) rmSync(join(build.client, "assets", name));
    await app.server.restart();
    await chat.button("Chat settings").hover();
    await expect.poll(loads).toBe(2);
    await expect(chat.composer).toBeEditable();
    await untilKeptUp(chat.page);
    await expectWords(chat.page, "Chat settings", "Holdfast was updated meanwhile.");
    expect(loads()).toBe(2);
  });

  test("A11: what cannot be fetched offline is said in words, and the page stays", async ({
    chat,
    context,
    browserName,
  }) => {
    const loads = countLoads(chat.page);
    await context.setOffline(true);
    await expectWords(chat.page, "Account", "This part of Holdfast isn't on this device yet.");
    await expect(chat.composer).toBeEditable();
    expect(loads()).toBe(0);
    await context.setOffline(false);
    // Firefox keeps an import that failed for as long as the page lives (whatwg/html#6768), so the page is loaded again.
    await expect(async () => {
      await chat.button("Account").click();
      await expect(chat.page.getByRole("menuitem", { name: "Keyboard shortcuts" })).toBeVisible({ timeout: 2_000 });
    }).toPass({ timeout: 20_000 });
    expect(loads()).toBe(browserName === "firefox" ? 1 : 0);
  });
});

/** Waits for what a page fetches when it rests. */
const untilKeptUp = async (page: Page): Promise<void> => {
  await page.waitForFunction(() =>
    performance.getEntriesByType("resource").some(({ name }) => name.includes("/assets/keep-up-")),
  );
};

/** Opens a part that is not to be had, until the words say so. */
async function expectWords(page: Page, button: string, text: string): Promise<void> {
  await expect(async () => {
    await page.getByRole("button", { name: button, exact: true }).click();
    await expect(page.getByText(text, { exact: false })).toBeVisible({ timeout: 2_000 });
  }).toPass({ timeout: 20_000 });
  await expect(page.getByRole("textbox", { name: "Message", exact: true })).toBeVisible();
}

test("with SERVICE_WORKER=off browsers let go of the worker and of all it kept, and no word is lost", async ({
  chat,
  context,
  app,
}) => {
  await untilInstalled(chat.page);
  await chat.composer.fill("a draft here");
  await chat.saved();
  await app.server.kill("SIGKILL");
  await app.server.restart({ SERVICE_WORKER: "off" });
  const loads = countLoads(chat.page);
  await lookForUpdate(chat.page);
  await expect.poll(loads).toBeGreaterThanOrEqual(1);
  await expect(chat.composer).toHaveValue("a draft here");
  const left = () =>
    chat.page.evaluate(async () => ({
      workers: (await navigator.serviceWorker.getRegistrations()).length,
      caches: await caches.keys(),
      controlled: navigator.serviceWorker.controller !== null,
    }));
  await expect.poll(() => left().catch(() => undefined)).toEqual({ workers: 0, caches: [], controlled: false });
  const page = await context.newPage();
  const response = await page.goto(app.url);
  expect(response?.fromServiceWorker()).toBe(false);
  await expect(chatPage(page).composer).toHaveValue("a draft here");
  expect(loads()).toBeLessThanOrEqual(2);
});
