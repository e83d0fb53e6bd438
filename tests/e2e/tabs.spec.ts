import { expect } from "@playwright/test";
import type { BrowserContext } from "@playwright/test";
import { answer } from "#tests/support/provider-behaviour.ts";
import { openChatPage, openSavedChat } from "./chat-page.ts";
import type { ChatPage } from "./chat-page.ts";
import { test } from "./fixtures.ts";
import type { App } from "./fixtures.ts";

const WORDS = Array.from({ length: 300 }, (_, i) => `${i === 0 ? "" : " "}w${i}`);
const LAST = `w${WORDS.length - 1}`;
/** A tab that leads is followed by the next within 2 s (A7); beside other tests, which have the processors too, in twice that. */
const TAKEOVER_MS = 2 * 2_000;

/** What all browsers have open to the server, as the server counts it. */
async function openAtServer(app: App): Promise<{ sockets: number; streams: number }> {
  const text = await (await fetch(`${app.url}/metrics`)).text();
  const gauge = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, "mu").exec(text)?.[1]);
  return { sockets: gauge("holdfast_sync_sockets"), streams: gauge("holdfast_run_followers") };
}

/** Opens more tabs on the chat that is open in one. */
async function openBeside(context: BrowserContext, chat: ChatPage, count: number): Promise<ChatPage[]> {
  const opened: ChatPage[] = [];
  for (let tab = 0; tab < count; tab++) opened.push(await openChatPage(await context.newPage(), chat.page.url()));
  return opened;
}

/** How long until `seen` passes, in ms. */
async function msUntil(seen: () => Promise<void>): Promise<number> {
  const since = performance.now();
  await seen();
  return performance.now() - since;
}

test("any number of tabs have one socket and one stream of a run, and show the same", async ({
  page,
  context,
  app,
}) => {
  const chat = await openSavedChat(page, app.url, "tides and moons");
  const others = await openBeside(context, chat, 3);
  const elsewhere = await openSavedChat(await context.newPage(), app.url, "another chat");
  await expect.poll(() => openAtServer(app)).toEqual({ sockets: 1, streams: 0 });

  app.provider.script(answer(WORDS, { pace: "gated" }));
  await others[0]!.sendAndSeeRun("count");
  await expect.poll(() => app.provider.requests.length).toBe(3);
  await app.provider.release(40);
  for (const tab of [chat, ...others]) await expect(tab.lastArticle).toContainText("w39");
  await expect.poll(() => openAtServer(app)).toEqual({ sockets: 1, streams: 1 });
  // A tab that comes in the middle shows all of it, and reads nothing of its own.
  const [late] = await openBeside(context, chat, 1);
  await expect(late!.lastArticle).toContainText("w39");
  await app.provider.release(20);
  for (const tab of [chat, late!, ...others]) await expect(tab.lastArticle).toContainText("w59");
  expect(await openAtServer(app)).toEqual({ sockets: 1, streams: 1 });
  await app.provider.release(Number.POSITIVE_INFINITY);
  for (const tab of [chat, late!, ...others]) {
    await expect(tab.lastArticle).toContainText(LAST);
    expect((await tab.lastArticle.textContent())?.match(/\bw17\b/gu)).toHaveLength(1);
    await tab.saved();
  }
  await elsewhere.composer.fill("written elsewhere");
  await elsewhere.saved();
  await late!.composer.fill("written here");
  await expect(chat.composer).toHaveValue("written here");
  expect(await openAtServer(app)).toEqual({ sockets: 1, streams: 0 });
  expect(app.provider.requests).toHaveLength(3);
});

test("A7: the tab that leads is closed in mid-answer, and in the middle of a word: another takes over within 2 s", async ({
  page,
  context,
  app,
  secondDevice,
}) => {
  const leader = await openSavedChat(page, app.url, "tides and moons");
  const [next, third] = await openBeside(context, leader, 2);
  app.provider.script(answer(WORDS, { pace: "gated" }));
  // It has the socket, since it was first, and the stream, since it asked.
  await leader.sendAndSeeRun("count");
  await expect.poll(() => app.provider.requests.length).toBe(2);
  await app.provider.release(50);
  for (const tab of [leader, next!, third!]) await expect(tab.lastArticle).toContainText("w49");
  const device = await secondDevice(leader.page.url());
  await next!.composer.pressSequentially("typed while ");
  await expect(device.composer).toHaveValue("typed while ");
  await leader.page.close();
  const stream = async (): Promise<void> => {
    await app.provider.release(50);
    for (const tab of [next!, third!]) await expect(tab.lastArticle).toContainText("w99", { timeout: TAKEOVER_MS });
  };
  const socket = async (): Promise<void> => {
    await next!.composer.pressSequentially("it moves");
    await expect(device.composer).toHaveValue("typed while it moves", { timeout: TAKEOVER_MS });
  };
  const [streamBack, socketBack] = await Promise.all([msUntil(stream), msUntil(socket)]);
  process.stdout.write(`A7: stream after ${Math.round(streamBack)} ms, socket after ${Math.round(socketBack)} ms\n`);
  await app.provider.release(Number.POSITIVE_INFINITY);
  for (const tab of [next!, third!, device]) {
    await expect(tab.lastArticle).toContainText(LAST);
    const shown = (await tab.lastArticle.textContent()) ?? "";
    for (const word of ["w48", "w50", "w99", "w100"])
      expect(shown.match(new RegExp(`\\b${word}\\b`, "gu"))).toHaveLength(1);
    await tab.saved();
  }
  expect(await next!.copied(next!.lastArticle)).toBe(WORDS.join(""));
  await expect(third!.composer).toHaveValue("typed while it moves");
  expect(app.provider.requests).toHaveLength(2);
  // Two tabs, and the other device.
  await expect.poll(() => openAtServer(app)).toEqual({ sockets: 2, streams: 0 });
});

test("A7: tabs come and go while an answer is written and a draft is typed; nothing is lost or doubled", async ({
  page,
  context,
  app,
}) => {
  test.setTimeout(120_000);
  const first = await openSavedChat(page, app.url, "tides and moons");
  const tabs = [first, ...(await openBeside(context, first, 2))];
  const url = first.page.url();
  app.provider.script(answer(WORDS, { pace: { everyMs: 40 } }));
  await tabs[1]!.send("count");
  await expect(tabs[2]!.lastArticle).toContainText("w5");
  let typed = "";
  for (let round = 0; round < 5; round++) {
    const word = `round ${round} `;
    const typing = tabs.at(-1)!;
    await typing.composer.press("End");
    await typing.composer.pressSequentially(word);
    typed += word;
    await expect(typing.composer).toHaveValue(typed);
    await tabs.shift()!.page.close();
    tabs.push(await openChatPage(await context.newPage(), url));
    await expect(tabs.at(-1)!.composer).toHaveValue(typed);
  }
  for (const tab of tabs) {
    await expect(tab.lastArticle).toContainText(LAST, { timeout: 30_000 });
    await expect(tab.composer).toHaveValue(typed);
    await tab.saved();
  }
  expect(await tabs[0]!.copied(tabs[0]!.lastArticle)).toBe(WORDS.join(""));
  expect(app.provider.requests).toHaveLength(2);
});
