import { expect } from "@playwright/test";
import type { Page } from "@playwright/test";
import { answer } from "#tests/support/provider-behaviour.ts";
import { deferred } from "#tests/support/waiting.ts";
import { openChatPage, openSavedChat, withNetwork } from "./chat-page.ts";
import { test } from "./fixtures.ts";

const WORDS = ["one", " two", " three"];

/** Keeps the request that starts a run on this page until it is let go. */
async function withHeldStarts(page: Page) {
  const gate = deferred();
  const held = deferred();
  await page.route("**/api/runs/*", async (route) => {
    if (route.request().method() !== "PUT") return route.continue();
    held.resolve();
    await gate.promise;
    await route.continue();
  });
  return { held: held.promise, letGo: () => gate.resolve() };
}

test("an answer that broke off is tried again from another device, and both show the new one", async ({
  chat,
  app,
  secondDevice,
}) => {
  app.provider.script(answer(WORDS, { ending: { type: "cut", after: 2 } }));
  await chat.send("count");
  await expect(chat.lastArticle).toContainText("The answer was interrupted.");
  const device = await secondDevice(chat.page.url());
  await expect(device.lastArticle).toContainText("The answer was interrupted.");
  app.provider.script(answer("a whole answer"));
  await device.button("Try again").click();
  for (const reader of [device, chat]) {
    await expect(reader.lastArticle).toContainText("a whole answer");
    await expect(reader.articles).toHaveCount(2);
  }
  expect(app.provider.requests).toHaveLength(2);
});

test("what one device has queued and another one tries again is answered once", async ({ page, app, secondDevice }) => {
  const network = await withNetwork(page);
  const chat = await openChatPage(page, app.url);
  await chat.send("tides and moons");
  await expect(chat.articles).toHaveCount(2);
  const starts = await withHeldStarts(page);
  await chat.send("and lakes?");
  await starts.held;
  await chat.saved();
  await network.cut();
  const device = await secondDevice(page.url());
  await expect(device.log.getByText("Not answered yet")).toBeVisible({ timeout: 15_000 });
  await device.button("Try again").click();
  await expect(device.articles).toHaveCount(4);
  starts.letGo();
  await network.restore();
  await expect(chat.articles).toHaveCount(4, { timeout: 20_000 });
  await expect(chat.log.getByText("Queued")).toHaveCount(0);
  await chat.saved();
  expect(app.provider.requests).toHaveLength(2);
});

test("Continue and Try again pressed at once start one run", async ({ chat, app }) => {
  app.provider.script(answer(WORDS, { ending: { type: "cut", after: 2 } }));
  await chat.send("count");
  await expect(chat.lastArticle).toContainText("The answer was interrupted.");
  app.provider.script(answer(" three and four", { headersAfterMs: 300 }));
  // In one turn of the page: no picture shows the buttons disabled in between.
  await chat.page.evaluate(() => {
    const buttons = [...document.querySelectorAll("button")];
    for (const name of ["Continue", "Continue", "Try again"]) {
      buttons.find((button) => button.textContent === name)?.click();
    }
  });
  await expect(chat.log).toContainText("three and four");
  await expect(chat.button("Stop")).toBeHidden();
  await chat.saved();
  expect(app.provider.requests).toHaveLength(2);
});

test("every tab of a browser says Sending while one of them sends, and Queued while none can", async ({
  page,
  app,
  context,
}) => {
  const network = await withNetwork(page);
  const chat = await openSavedChat(page, app.url, "tides and moons");
  const otherPage = await context.newPage();
  // Long after the prompt was made only what is known of its delivery counts.
  await otherPage.clock.setSystemTime(Date.now() + 120_000);
  const other = await openChatPage(otherPage, page.url());
  await network.cut();
  await chat.send("and lakes?");
  for (const tab of [chat, other]) await expect(tab.log.getByText("Queued")).toBeVisible();
  const starts = [await withHeldStarts(page), await withHeldStarts(otherPage)];
  await network.restore();
  for (const tab of [chat, other]) await expect(tab.log.getByText("Sending…")).toBeVisible({ timeout: 20_000 });
  for (const { letGo } of starts) letGo();
  for (const tab of [chat, other]) await expect(tab.articles).toHaveCount(4);
  expect(app.provider.requests).toHaveLength(2);
});
