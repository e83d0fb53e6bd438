import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import type { CDPSession, Page } from "@playwright/test";
import * as Y from "yjs";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import { startProbe } from "./library-page.ts";
import type { Started } from "./library-page.ts";
import { countStored, openProfile } from "./profile.ts";
import { cookiesOf, median, newId, pushDocuments } from "./stored-library.ts";

// `npm run bench -- library`: the built app with a large library in a real Chromium whose profile is on disk: how soon it
// can be used after a start of the browser, with the server and without, and what it keeps in memory.

const TURNS = Number(process.env["TURNS"] ?? 3);
const SIZES = (process.env["SIZES"] ?? "20,10000").split(",").map(Number);
/** as many as the list shows at first */
const FIRST_ROWS = 100;
/** What design budgets call a slowed processor. */
const SLOWED = 4;
const SYNCED_WITHIN_MS = 600_000;

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-"));

function aConversation(number: number): Uint8Array {
  const doc = new Y.Doc();
  const conversation = openConversation(doc, "bench");
  conversation.rename(`Conversation ${number} about things`);
  conversation.addPrompt({
    id: newId() as MessageId,
    parentId: undefined,
    text: `What is said in number ${number}? ${"some words ".repeat(20)}`,
    createdAt: Date.now() - number * 60_000,
  });
  return Y.encodeStateAsUpdate(doc);
}

/** Brings all of a library to a profile, and the app's files too. */
async function bringHere(profile: string, url: string, guest: Guest, size: number): Promise<void> {
  const context = await openProfile(profile);
  await context.addCookies(cookiesOf(guest, url));
  const page = context.pages()[0] ?? (await context.newPage());
  await page.goto(url);
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));
  const since = Date.now();
  while ((await countStored(page, "documents")) < size) {
    if (Date.now() - since > SYNCED_WITHIN_MS)
      throw new Error(`only ${await countStored(page, "documents")} of ${size} came`);
    await page.waitForTimeout(1_000);
  }
  await page.waitForTimeout(2_000);
  await context.close();
}

/** Starts browser and app. */
async function start(profile: string, url: string, rows: number, slowed: boolean) {
  const context = await openProfile(profile);
  const page = context.pages()[0] ?? (await context.newPage());
  await page.addInitScript("globalThis.__name = (named) => named;");
  await page.addInitScript(startProbe, rows);
  const devtools = await context.newCDPSession(page);
  if (slowed) await devtools.send("Emulation.setCPUThrottlingRate", { rate: SLOWED });
  await page.goto(url);
  const started = await page.evaluate(() => globalThis.started);
  return { context, page, devtools, started };
}

/** What the page's scripts hold once nothing is garbage, in MB. */
async function heapOf(devtools: CDPSession): Promise<number> {
  await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  return usedSize / 1e6;
}

/** From a key in the search box until the list is another one, in ms. */
async function search(page: Page): Promise<number> {
  await page.getByRole("searchbox", { name: "Search" }).focus();
  return await page.evaluate(async () => {
    const box = document.querySelector<HTMLInputElement>("input[type=search]");
    const list = document.querySelector(".library-list");
    if (!box || !list) throw new Error("there is no list");
    const since = performance.now();
    document.execCommand("insertText", false, "number 17");
    await new Promise<void>((resolve) => {
      const watcher = new MutationObserver(() => {
        watcher.disconnect();
        resolve();
      });
      watcher.observe(list, { childList: true, subtree: true, characterData: true });
    });
    await new Promise((resolve) => requestAnimationFrame(resolve));
    return performance.now() - since;
  });
}

const cells = (started: readonly Started[]): string =>
  `${Math.round(median(started.map(({ composer }) => composer)))} | ${Math.round(median(started.map(({ rows }) => rows)))}`;

say(`${cpus()[0]?.model}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`);
say(`ms since the navigation, the browser started anew each time; medians of ${TURNS}`);
say("");
say(
  "| Conversations | Composer, server there | List | Composer, offline | List | Composer, reloaded | List | Composer, offline, 4× slowed | List | Composer, slowed, reloaded | List | Search, first key | Heap, MB |",
);
say("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
for (const size of SIZES) {
  const server = await openServerProcess();
  const guest = await signInGuest(server.url);
  await pushDocuments(
    guest,
    Array.from({ length: size }, (_, number) => ({ id: newId() as ConversationId, update: aConversation(number) })),
  );
  const profile = await mkdtemp(join(folder, "profile-"));
  await bringHere(profile, server.url, guest, size);
  const rows = Math.min(size, FIRST_ROWS);
  const online: Started[] = [];
  const offline: Started[] = [];
  const reloaded: Started[] = [];
  const slow: Started[] = [];
  const slowReloaded: Started[] = [];
  const heaps: number[] = [];
  const searches: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const { context, page, devtools, started } = await start(profile, server.url, rows, false);
    online.push(started);
    await page.waitForTimeout(3_000);
    heaps.push(await heapOf(devtools));
    searches.push(await search(page));
    await context.close();
  }
  await server.kill("SIGKILL");
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [slowed, into, again] of [
      [false, offline, reloaded],
      [true, slow, slowReloaded],
    ] as const) {
      const { context, page, started } = await start(profile, server.url, rows, slowed);
      into.push(started);
      await page.waitForTimeout(3_000);
      await page.reload();
      again.push(await page.evaluate(() => globalThis.started));
      await context.close();
    }
  }
  await server.close();
  const starts = [online, offline, reloaded, slow, slowReloaded].map(cells);
  const figures = [...starts, Math.round(median(searches)), median(heaps).toFixed(1)];
  say(`| ${size.toLocaleString("en")} | ${figures.join(" | ")} |`);
}
await rm(folder, { recursive: true, force: true });
