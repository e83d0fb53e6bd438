import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, Page } from "@playwright/test";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import { PAIRS, comparedPair } from "#tests/support/compared-pairs.ts";
import type { PairName } from "#tests/support/compared-pairs.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import { openTimedSnapshots } from "#tests/e2e/timed-snapshots.ts";
import { traceMainThread } from "./main-thread-trace.ts";
import { openProfile } from "./profile.ts";
import { cookiesOf, median, newId } from "./stored-library.ts";

// `npm run bench -- snapshot-pairs`: comparing two snapshots of 200 messages, and verifying one, in a real Chromium: what
// is computed alone, in a page that was just loaded; and the page of the built app, with all data on the device.

const TURNS = Number(process.env["TURNS"] ?? 7);
/** The list of changes is there, and no longer grows. */
const COMPARED = /messages? changed/u;
const SUMMARY = ".compare-summary";

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const ms = (value: number): string => value.toFixed(value < 10 ? 1 : 0);
/** The least, the middle and the greatest: the least is what other work on the machine disturbed least. */
const spread = (values: readonly number[]): string =>
  `${ms(Math.min(...values))} / ${ms(median(values))} / ${ms(Math.max(...values))}`;

/** What one round of work took. */
interface Round {
  wall: number;
  cpu: number;
  longestSlice?: number;
}

async function computing(context: BrowserContext): Promise<void> {
  const rounds = new Map<string, Round[]>();
  const note = (what: string, round: Round): void => void rounds.set(what, [...(rounds.get(what) ?? []), round]);
  for (let turn = 0; turn < TURNS; turn++) {
    for (const name of PAIRS) {
      const page = await context.newPage();
      const timed = await openTimedSnapshots(page);
      for (const when of ["first", "again"]) {
        const { sum: wall, cpu, longestSlice } = await timed.compare(name);
        note(`comparing, ${name}, ${when}`, { wall, cpu, longestSlice });
      }
      await page.close();
    }
    const page = await context.newPage();
    const timed = await openTimedSnapshots(page);
    for (const when of ["first", "again"]) {
      const { took: wall, cpu } = await timed.verify();
      note(`verifying 200 messages, 100 signed answers, ${when}`, { wall, cpu });
    }
    await page.close();
  }
  say("| Computed alone, in a page just loaded | Wall | CPU of the main thread | Longest slice |");
  say("| --- | --: | --: | --: |");
  for (const [what, all] of rounds) {
    const slices = all.flatMap(({ longestSlice = [] }) => longestSlice);
    const cells = [all.map(({ wall }) => wall), all.map(({ cpu }) => cpu)].map(spread);
    say(`| ${what} | ${cells.join(" | ")} | ${slices.length > 0 ? spread(slices) : ""} |`);
  }
}

/** Has the server take a snapshot; answers its id. */
async function take(guest: Guest, conversationId: string, { manifest, messages }: FrozenContent): Promise<string> {
  const id = newId();
  const response = await guest.fetch("/api/snapshots", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ id, conversationId, manifest, messages }),
  });
  if (response.status !== 201) throw new Error(`not taken: ${response.status} ${await response.text()}`);
  return id;
}

const shown = (page: Page): Promise<number> =>
  page.evaluate(
    ([selector, source]) =>
      new Promise<number>((resolve) => {
        const look = (): void => {
          const text = document.querySelector(selector)?.textContent ?? "";
          if (new RegExp(source, "u").test(text)) resolve(performance.now());
          else requestAnimationFrame(look);
        };
        look();
      }),
    [SUMMARY, COMPARED.source] as const,
  );

interface Opened {
  /** from the start of the navigation, the browser's worker serving the app */
  loaded: number;
  /** from a click within the app */
  clicked: number;
  /** processor time of the main thread from that click on, rendering among it */
  cpu: number;
  longestTask: { wall: number; cpu: number };
}

async function open(page: Page, url: string, path: string): Promise<Opened> {
  await page.goto(`${url}${path}`);
  const loaded = await shown(page);
  await page.goto(`${url}/`);
  await page.getByRole("textbox", { name: "Message", exact: true }).waitFor();
  await page.waitForTimeout(2_000);
  const traced = await traceMainThread(page);
  const since = await page.evaluate((to) => {
    const began = performance.now();
    history.pushState(null, "", to);
    return began;
  }, path);
  const clicked = (await shown(page)) - since;
  const tasks = await traced();
  return {
    loaded,
    clicked,
    cpu: tasks.reduce((sum, task) => sum + task.cpu, 0),
    longestTask: {
      wall: Math.max(...tasks.map(({ wall }) => wall)),
      cpu: Math.max(...tasks.map(({ cpu }) => cpu)),
    },
  };
}

async function opening(context: BrowserContext): Promise<void> {
  const server = await openServerProcess();
  const guest = await signInGuest(server.url);
  const paths = new Map<PairName, string>();
  for (const name of PAIRS) {
    const { left, right } = comparedPair(name);
    const conversationId = newId();
    const ids = [await take(guest, conversationId, left), await take(guest, conversationId, right)];
    paths.set(name, `/compare/${ids.join("/")}`);
  }
  await context.addCookies(cookiesOf(guest, server.url));
  const page = await context.newPage();
  for (const path of paths.values()) await bringHere(page, server.url, path);
  await server.kill("SIGKILL");
  say("");
  say(
    "| Page of the app, server gone | From the navigation | From a click | CPU of the main thread | Longest task | … CPU |",
  );
  say("| --- | --: | --: | --: | --: | --: |");
  for (const [name, path] of paths) {
    const opened: Opened[] = [];
    for (let turn = 0; turn < TURNS; turn++) opened.push(await open(page, server.url, path));
    const cells = [
      opened.map(({ loaded }) => loaded),
      opened.map(({ clicked }) => clicked),
      opened.map(({ cpu }) => cpu),
      opened.map(({ longestTask }) => longestTask.wall),
      opened.map(({ longestTask }) => longestTask.cpu),
    ];
    say(`| ${name} | ${cells.map(spread).join(" | ")} |`);
  }
  await page.close();
  await server.close();
}

/** Shows a pair once, after which all of it is on this device, and the app's files too. */
async function bringHere(page: Page, url: string, path: string): Promise<void> {
  await page.goto(`${url}/`);
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));
  await page.goto(`${url}${path}`);
  await shown(page);
}

const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
const context = await openProfile(folder);
await context.addInitScript("globalThis.__name = (named) => named;");
say(`${cpus()[0]?.model}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`);
say(`ms: least / median / worst of ${TURNS}`);
say("");
await computing(context);
await opening(context);
await context.close();
await rm(folder, { recursive: true, force: true });
