import { expect } from "@playwright/test";
import type { Page } from "@playwright/test";
import { answer } from "#tests/support/provider-behaviour.ts";
import { storeConversation } from "#tests/support/stored-conversation.ts";
import type { LongConversation } from "#tests/support/stored-conversation.ts";
import type { ChatPage } from "./chat-page.ts";
import { test } from "./fixtures.ts";

const MESSAGES = 300;
const LAST_TURN = `does turn ${MESSAGES / 2}:`;

/** Stores a long chat for the person of this page, and waits until the library knows it. */
async function storeLongChat({ page, row }: ChatPage, long: Partial<LongConversation> = {}): Promise<void> {
  const cookies = await page.context().cookies();
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  await storeConversation(new URL(page.url()).origin, cookie, { title: "Tides", messages: MESSAGES, ...long });
  await expect(row("Tides")).toBeVisible();
}

/** From the next load on, the page never rests by itself: `restUntil` lets it. */
async function withoutRest(page: Page): Promise<{ restUntil: (articles: number) => Promise<void> }> {
  await page.addInitScript(() => {
    const waiting = new Map<number, IdleRequestCallback>();
    let last = 0;
    const rest = (): void => {
      const due = [...waiting.values()];
      waiting.clear();
      for (const callback of due) callback({ didTimeout: false, timeRemaining: () => 10 });
    };
    Object.assign(globalThis, {
      requestIdleCallback(callback: IdleRequestCallback) {
        waiting.set(++last, callback);
        return last;
      },
      cancelIdleCallback: (handle: number) => waiting.delete(handle),
      rest,
    });
  });
  await page.reload();
  return {
    restUntil: async (articles) => {
      await page.waitForFunction((count) => {
        (globalThis as unknown as { rest: () => void }).rest();
        return document.querySelectorAll("[role=log] article").length >= count;
      }, articles);
    },
  };
}

/**
 * Tells of each frame until all messages are there how many there were, and how far its picture was from the end. An
 * observer's entry has the places of the frame itself, after everything that sets the scroll position before a paint.
 */
const watchFilling = (page: Page) =>
  page.evaluateHandle((all) => {
    const frames: { articles: number; fromEnd: number }[] = [];
    const done = new Promise<typeof frames>((resolve) => {
      const look = (): void => {
        const log = document.querySelector("[role=log]");
        const articles = document.querySelectorAll("[role=log] article").length;
        if (!log || articles === 0) return void requestAnimationFrame(look);
        const observer = new IntersectionObserver(
          ([entry]) => {
            observer.disconnect();
            frames.push({ articles, fromEnd: entry!.boundingClientRect.bottom - entry!.rootBounds!.bottom });
            if (articles >= all) resolve(frames);
            else requestAnimationFrame(look);
          },
          { root: log.parentElement },
        );
        observer.observe(log);
      };
      requestAnimationFrame(look);
    });
    return { done };
  }, MESSAGES);

/** The browser's own search, around the whole page. Firefox finds nothing from the cursor of a field. */
function findOnPage(text: string): boolean {
  if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  getSelection()?.removeAllRanges();
  return (globalThis as unknown as { find(...options: unknown[]): boolean }).find(text, false, false, true);
}

const fromEnd = (page: Page): Promise<number> =>
  page
    .locator(".messages-scroller")
    .evaluate(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight);

test("a long chat opens at its end, and the earlier messages come without moving the view", async ({ chat }) => {
  await storeLongChat(chat);
  const watching = await watchFilling(chat.page);
  await chat.row("Tides").click();
  await expect(chat.lastArticle).toContainText(LAST_TURN);
  await expect(chat.lastArticle).toBeInViewport();
  const frames = await watching.evaluate(({ done }) => done);
  expect(frames[0]!.articles).toBeLessThan(60);
  expect(Math.max(...frames.map((frame) => frame.fromEnd))).toBeLessThanOrEqual(1);
  await expect(chat.articles).toHaveCount(MESSAGES);
  await expect(chat.prompts.first()).toContainText("Question 1:");
  await expect(chat.prompts.nth(77)).toContainText("Question 78:");
  expect(await chat.page.evaluate(findOnPage, "Answer 3.")).toBe(true);
});

test("a reader who went up keeps the line they read while the rest comes", async ({ chat, page }) => {
  await storeLongChat(chat);
  const { restUntil } = await withoutRest(page);
  await chat.row("Tides").click();
  await expect(chat.lastArticle).toContainText(LAST_TURN);
  // Before the first frame nobody can have gone anywhere.
  await expect(chat.lastArticle).toBeInViewport();
  const read = chat.prompts.filter({ hasText: "Question 145:" });
  await read.scrollIntoViewIfNeeded();
  await expect(chat.button("Jump to latest")).toBeVisible();
  const top = async (): Promise<number> => (await read.boundingBox())!.y;
  const before = await top();
  expect(await chat.articles.count()).toBeLessThan(MESSAGES);
  await restUntil(MESSAGES);
  expect(Math.abs((await top()) - before)).toBeLessThanOrEqual(1);
  await chat.button("Jump to latest").click();
  await expect(chat.lastArticle).toBeInViewport();
  await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
});

test("the beginning is there as soon as a reader goes there, before the page had time to rest", async ({
  chat,
  page,
}) => {
  await storeLongChat(chat);
  const { restUntil } = await withoutRest(page);
  await chat.row("Tides").click();
  await expect(chat.lastArticle).toContainText(LAST_TURN);
  await page.locator(".messages-scroller").evaluate((scroller) => scroller.scrollTo(0, 0));
  await expect(chat.prompts.first()).toContainText("Question 1:");
  await expect(chat.prompts.first()).toBeInViewport();
  expect(await chat.articles.count()).toBeLessThan(MESSAGES);
  await restUntil(MESSAGES);
  await expect(chat.prompts.first()).toBeInViewport();
  await expect(chat.prompts.nth(1)).toContainText("Question 2:");
});

test("all of a chat is printed, also one that was opened just now", { tag: "@devtools" }, async ({ chat, page }) => {
  await storeLongChat(chat);
  await withoutRest(page);
  await chat.row("Tides").click();
  await expect(chat.lastArticle).toContainText(LAST_TURN);
  expect(await chat.articles.count()).toBeLessThan(MESSAGES);
  const paper = (await page.pdf()).toString("latin1");
  await expect(chat.articles).toHaveCount(MESSAGES);
  expect(paper.match(/\/Type \/Page\b/gu)!.length).toBeGreaterThan(20);
});

test("an answer that streams into a long chat is followed while the rest comes", async ({ chat, app, page }) => {
  await storeLongChat(chat);
  const { restUntil } = await withoutRest(page);
  await chat.row("Tides").click();
  await expect(chat.lastArticle).toContainText(LAST_TURN);
  const lines = Array.from({ length: 60 }, (_, line) => `line ${line}\n\n`);
  app.provider.script(answer(lines, { pace: "gated" }));
  await chat.send("and now?");
  await app.provider.release(30);
  await expect(chat.lastArticle).toContainText("line 29");
  await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
  await restUntil(MESSAGES + 2);
  await app.provider.release(Number.POSITIVE_INFINITY);
  await expect(chat.lastArticle).toContainText("line 59");
  await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
  await expect(chat.articles).toHaveCount(MESSAGES + 2);
});

test("an answer that failed long ago interrupts nobody when it is filled in", async ({ chat, page }) => {
  const failed = { status: "failed", failure: { code: "provider_cut", retryable: true } } as const;
  await storeLongChat(chat, { ending: (turn) => (turn === 3 ? failed : {}) });
  await chat.row("Tides").click();
  await expect(chat.articles).toHaveCount(MESSAGES);
  const failedAnswer = chat.articles.filter({ hasText: "Answer 3." });
  await expect(failedAnswer.getByRole("button", { name: "Try again" })).toBeVisible();
  await expect(page.getByRole("alert")).toHaveCount(0);
});
