import { chromium } from "@playwright/test";
import type { CDPSession, Page } from "@playwright/test";
import { findBrowser } from "../../scripts/find-browser.mjs";
import { signInGuest } from "#tests/support/guest.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import { storeConversation } from "#tests/support/stored-conversation.ts";
import { openingProbe } from "./open-chat-page.ts";
import type { Opened } from "./open-chat-page.ts";

// `npm run build && node --import tsx tests/bench/open-chat.bench.ts`: how long a stored chat takes to open in a real
// Chromium, from the click (or the reload) until its last message is painted at the end of the view.

const SIZES = [100, 1_000, 5_000];
const ROUNDS = 5;
const RELOADS = 3;
/** ms after which a chat that was left is closed: the next click reads it from the disk again */
const CLOSED_AFTER_MS = 1_300;
/** ms between two keys while the rest of the chat fills in */
const KEY_EVERY_MS = 40;
/** ms after which the rest is not waited for any more */
const FILLED_WITHIN_MS = 6_000;
/** Event Timing tells of no interaction below this, in ms. */
const UNTOLD_MS = 16;

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const percentile = (values: readonly number[], share: number): number =>
  Math.round(values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)] ?? Number.NaN);
const spread = (values: readonly number[]): string =>
  `${percentile(values, 0.5)} (${percentile(values, 0)}–${percentile(values, 1)})`;
const lastTurn = (messages: number): string => `does turn ${messages / 2}:`;

const click = (page: Page, title: string, text: string): Promise<Opened> =>
  page.evaluate(([row, last]) => globalThis.opening.click(row, last), [title, text] as const);

/** Processor time of the page's main thread so far, in ms: tells of the work also where other work slows the clock. */
async function mainThreadMs(devtools: CDPSession): Promise<number> {
  const { metrics } = await devtools.send("Performance.getMetrics");
  return (metrics.find(({ name }) => name === "ThreadTime")?.value ?? Number.NaN) * 1000;
}

async function measure(page: Page, devtools: CDPSession, messages: number): Promise<string> {
  const title = `Long ${messages}`;
  const last = lastTurn(messages);
  await page.getByRole("link", { name: title, exact: true }).waitFor();
  await click(page, title, last); // brings it to this device
  const opened: Opened[] = [];
  const work: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await click(page, "Short", lastTurn(4));
    await page.waitForTimeout(CLOSED_AFTER_MS);
    const before = await mainThreadMs(devtools);
    opened.push(await click(page, title, last));
    work.push((await mainThreadMs(devtools)) - before);
  }
  const reloaded: number[] = [];
  for (let reload = 0; reload < RELOADS; reload++) {
    await page.reload();
    reloaded.push((await page.evaluate((text) => globalThis.opening.sinceStart(text), last)).paintedMs);
  }
  const filling = await type(page, messages);
  const cells = [
    messages.toLocaleString("en"),
    spread(opened.map(({ paintedMs }) => paintedMs)),
    spread(work),
    percentile(
      opened.map(({ articles }) => articles),
      0.5,
    ),
    filling.after,
    filling.keys === 0 ? "–" : `${filling.p75} (${filling.keys} keys)`,
    spread(reloaded),
  ];
  return `| ${cells.join(" | ")} |`;
}

/** Types while the rest fills in: how long that took, and the delays from key to next paint. */
async function type(page: Page, messages: number) {
  const startedAt = performance.now();
  await page.evaluate(() => globalThis.opening.startTiming());
  let keys = 0;
  let filled = false;
  const elapsed = (): number => Math.round(performance.now() - startedAt);
  for (;;) {
    filled = (await page.evaluate(() => globalThis.opening.articles())) === messages;
    if (filled || elapsed() > FILLED_WITHIN_MS) break;
    await page.keyboard.press("a");
    keys++;
    await page.waitForTimeout(KEY_EVERY_MS);
  }
  const after = filled ? `${elapsed()}` : `> ${elapsed()}`;
  const told = await page.evaluate(() => globalThis.opening.timings());
  const delays = [...told, ...Array<number>(Math.max(0, keys - told.length)).fill(UNTOLD_MS)];
  return { after, keys, p75: percentile(delays, 0.75) };
}

const server = await openServerProcess();
const executablePath = findBrowser();
const browser = await chromium.launch({
  ...(executablePath === undefined ? {} : { executablePath }),
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  const { cookie } = await signInGuest(server.url);
  await storeConversation(server.url, cookie, { title: "Short", messages: 4 });
  for (const messages of SIZES) await storeConversation(server.url, cookie, { title: `Long ${messages}`, messages });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const cookies = cookie.split("; ").map((pair) => pair.split(/=(.*)/su));
  await context.addCookies(cookies.map(([name = "", value = ""]) => ({ name, value, url: server.url })));
  const page = await context.newPage();
  // The loader keeps the names of functions by a helper that the page does not have.
  await page.addInitScript("globalThis.__name = (named) => named;");
  await page.addInitScript(openingProbe);
  await page.goto(server.url);
  const devtools = await context.newCDPSession(page);
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  say(`Chromium ${browser.version()}, ${new Date().toISOString().slice(0, 10)}; ms, median (least–most)`);
  say("");
  say(
    "| Messages | Click until painted | Work of it | Rows by then | Rest filled after | Key to paint meanwhile, p75 | Reload until painted |",
  );
  say("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
  for (const messages of SIZES) say(await measure(page, devtools, messages));
} finally {
  await browser.close();
  await server.close();
}
