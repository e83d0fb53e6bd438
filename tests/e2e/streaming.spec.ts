import { expect } from "@playwright/test";
import { answer } from "#tests/support/provider-behaviour.ts";
import { createSeededRandom, seedOfThisRun } from "#tests/support/seeded-random.ts";
import { openChatPage, withNetwork } from "./chat-page.ts";
import type { ChatPage } from "./chat-page.ts";
import type { App } from "./fixtures.ts";
import { test } from "./fixtures.ts";

// Every word is another one, so that a lost, doubled or swapped token cannot hide.
const WORDS = Array.from({ length: 200 }, (_, i) => `${i === 0 ? "" : " "}w${i}${i % 9 === 0 ? "é世🌊" : ""}`);
const LAST = `w${WORDS.length - 1}`;
const random = createSeededRandom(seedOfThisRun());

test.beforeEach(() => {
  process.stdout.write(`SEED=${random.seed}\n`);
});

/** The answer is over, and what is shown, copied and stored is what the provider sent, byte for byte. */
async function expectExactAnswer(chat: ChatPage, app: App, runId: string): Promise<void> {
  await expect(chat.lastArticle).toContainText(LAST, { timeout: 20_000 });
  await expect(chat.button("Stop")).toBeHidden();
  const sent = app.provider.sentText();
  expect(sent).toBe(WORDS.join(""));
  expect(await chat.copied(chat.lastArticle)).toBe(sent);
  const run = (await (await chat.page.request.get(`${app.url}/api/runs/${runId}`)).json()) as Record<string, unknown>;
  expect(run).toMatchObject({ state: "completed", text: sent, attempts: 1 });
  expect(app.provider.requests).toHaveLength(1);
}

test("five reloads at random moments: no token lost, none twice", async ({ chat, app, page }) => {
  app.provider.script(answer(WORDS, { pace: { everyMs: 30 } }));
  const { runId } = await chat.sendAndSeeRun("count");
  for (let reload = 0; reload < 5; reload += 1) {
    await page.waitForTimeout(100 + random.below(700)); // the moment itself is what varies here
    await page.reload();
  }
  await expectExactAnswer(chat, app, runId);
  await expect(chat.articles).toHaveCount(2);
});

test("the network goes away and comes back in mid-answer", async ({ page, app }) => {
  const network = await withNetwork(page);
  const chat = await openChatPage(page, app.url);
  app.provider.script(answer(WORDS, { pace: "gated" }));
  const { runId } = await chat.sendAndSeeRun("count");
  await app.provider.release(40);
  await expect(chat.lastArticle).toContainText("w30");
  await network.cut();
  await expect(chat.syncStatus).toContainText("Offline");
  await app.provider.release(60);
  await network.restore();
  await expect(chat.lastArticle).toContainText("w99");
  await app.provider.release(Number.POSITIVE_INFINITY);
  await expectExactAnswer(chat, app, runId);
  await chat.saved();
});

test("offline by the browser's own switch while the provider floods", async ({ chat, app, context }) => {
  app.provider.script(answer(WORDS, { pace: { everyMs: 15 } }));
  const { runId } = await chat.sendAndSeeRun("count");
  await expect(chat.lastArticle).toContainText("w5");
  await context.setOffline(true);
  await app.provider.requests[0]!.closed;
  await context.setOffline(false);
  await expectExactAnswer(chat, app, runId);
});

test("a second tab and a second browser follow the same run live", async ({ chat, app, context, secondDevice }) => {
  app.provider.script(answer(WORDS, { pace: "gated" }));
  const { runId } = await chat.sendAndSeeRun("count");
  await app.provider.release(20);
  await expect(chat.lastArticle).toContainText("w19");
  const tab = await openChatPage(await context.newPage(), chat.page.url());
  const device = await secondDevice(chat.page.url());
  for (const follower of [tab, device]) await expect(follower.lastArticle).toContainText("w19");
  await app.provider.release(30);
  for (const follower of [chat, tab, device]) await expect(follower.lastArticle).toContainText("w49");
  await app.provider.release(Number.POSITIVE_INFINITY);
  for (const follower of [tab, device, chat]) {
    await follower.page.bringToFront();
    await expectExactAnswer(follower, app, runId);
  }
});

test("the tab that started the run is closed: the answer is finished without it", async ({ chat, app, context }) => {
  app.provider.script(answer(WORDS, { pace: "gated" }));
  const { runId } = await chat.sendAndSeeRun("count");
  await app.provider.release(10);
  await expect(chat.lastArticle).toContainText("w9");
  const url = chat.page.url();
  await chat.page.close();
  await app.provider.release(Number.POSITIVE_INFINITY);
  expect(await app.provider.requests[0]!.closed).toBe("answered");
  const later = await openChatPage(await context.newPage(), url);
  await expectExactAnswer(later, app, runId);
});

test("any device may stop, and the text so far stays everywhere", async ({ chat, app, secondDevice }) => {
  app.provider.script(answer(WORDS, { pace: "gated" }));
  await chat.send("count");
  await app.provider.release(12);
  await expect(chat.lastArticle).toContainText("w11");
  const device = await secondDevice(chat.page.url());
  await expect(device.lastArticle).toContainText("w11");
  await device.button("Stop").click();
  expect(await app.provider.requests[0]!.closed).toBe("aborted");
  for (const follower of [device, chat]) {
    await expect(follower.lastArticle).toContainText("You stopped this answer.");
    await expect(follower.lastArticle).toContainText("w11");
  }
});

test("a cut in mid-answer keeps the text and offers to continue", async ({ chat, app }) => {
  app.provider.script(answer(WORDS, { ending: { type: "cut", after: 15 } }));
  await chat.send("count");
  await expect(chat.lastArticle).toContainText("The answer was interrupted.");
  await expect(chat.lastArticle).toContainText("w14");
  app.provider.script(answer(" and the rest"));
  await chat.button("Continue").click();
  await expect(chat.log).toContainText("and the rest");
  expect(app.provider.requests).toHaveLength(2);
});

test("the server is killed in mid-answer: what was logged is there, and the answer says interrupted", async ({
  chat,
  app,
}) => {
  app.provider.script(answer(WORDS, { pace: "gated" }));
  await chat.send("count");
  await app.provider.release(25);
  await expect(chat.lastArticle).toContainText("w24");
  await app.server.kill("SIGKILL");
  await app.server.restart();
  await expect(chat.lastArticle).toContainText("The answer was interrupted.", { timeout: 30_000 });
  await expect(chat.lastArticle).toContainText("w24");
  expect(app.provider.requests).toHaveLength(1);
});
