import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { takeManySnapshots } from "#tests/support/many-snapshots.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import { countStored, openProfile } from "./profile.ts";
import { openSnapshotList } from "./snapshots-page.ts";
import type { ShownSnapshots } from "./snapshots-page.ts";
import { cookiesOf, median } from "./stored-library.ts";

// `npm run bench -- snapshots`: the built app with the snapshots of many chats in a real Chromium whose profile is on disk,
// the server stopped: how soon the list of them is there, first rows and all, and how long a search in it takes.

const TURNS = Number(process.env["TURNS"] ?? 5);
const SIZES = (process.env["SIZES"] ?? "100,5000").split(",").map(Number);
const CHATS = 50;
/** as many as the list shows at first */
const FIRST_ROWS = 100;
/** after which a page has done what its start left for later */
const USED_MS = 4_000;
/** What design budgets call a slowed processor. */
const SLOWED = 4;
/** a word of the snapshot that was taken first */
const OLDEST = "c0d0";
const SYNCED_WITHIN_MS = 300_000;

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-"));

/** Brings all snapshots of a guest to a profile, and the app's files too. */
async function bringHere(profile: string, url: string, guest: Guest, size: number): Promise<number> {
  const context = await openProfile(profile);
  await context.addCookies(cookiesOf(guest, url));
  const page = context.pages()[0] ?? (await context.newPage());
  const since = Date.now();
  await page.goto(url);
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));
  while ((await countStored(page, "snapshots")) < size) {
    if (Date.now() - since > SYNCED_WITHIN_MS)
      throw new Error(`only ${await countStored(page, "snapshots")} of ${size}`);
    await page.waitForTimeout(500);
  }
  const took = Date.now() - since;
  await page.waitForTimeout(8_000);
  await context.close();
  return took;
}

interface Way {
  /** the processor is slowed down */
  slowed: boolean;
  /** how long after the composer takes text the list is asked for, in ms */
  afterMs: number;
}

const WAYS: readonly Way[] = [
  { slowed: false, afterMs: 0 },
  { slowed: false, afterMs: USED_MS },
  { slowed: true, afterMs: USED_MS },
];

/** Starts browser and app, and opens the list. */
async function start(profile: string, url: string, rows: number, way: Way): Promise<ShownSnapshots> {
  const context = await openProfile(profile);
  const page = context.pages()[0] ?? (await context.newPage());
  await page.addInitScript("globalThis.__name = (named) => named;");
  if (way.slowed) await (await context.newCDPSession(page)).send("Emulation.setCPUThrottlingRate", { rate: SLOWED });
  await page.goto(url);
  await page.getByRole("textbox", { name: "Message", exact: true }).waitFor();
  await page.waitForTimeout(way.afterMs);
  const shown = await page.evaluate(openSnapshotList, { rows, oldest: OLDEST });
  await context.close();
  return shown;
}

const cells = (all: readonly ShownSnapshots[]): string =>
  [all.map(({ rows }) => rows), all.map(({ found }) => found)]
    .map((figures) => `${Math.round(median(figures))} (${Math.round(Math.max(...figures))})`)
    .join(" | ");

say(`${cpus()[0]?.model}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`);
say(`ms, the browser started anew each time, the server stopped; medians of ${TURNS}, the longest in brackets`);
say("");
say(
  "| Snapshots | Brought here, s | Rows, at once | Oldest found | Rows, later | Oldest found | Rows, 4× slowed | Oldest found |",
);
say("| --- | --- | --- | --- | --- | --- | --- | --- |");
for (const size of SIZES) {
  const server = await openServerProcess();
  const guest = await signInGuest(server.url);
  await takeManySnapshots(guest, { chats: CHATS, each: size / CHATS });
  const profile = await mkdtemp(join(folder, "profile-"));
  const brought = await bringHere(profile, server.url, guest, size);
  await server.kill("SIGKILL");
  const shown = WAYS.map((): ShownSnapshots[] => []);
  for (let turn = 0; turn < TURNS; turn++)
    for (const [at, way] of WAYS.entries())
      shown[at]?.push(await start(profile, server.url, Math.min(size, FIRST_ROWS), way));
  await server.close();
  say(`| ${size.toLocaleString("en")} | ${(brought / 1000).toFixed(1)} | ${shown.map(cells).join(" | ")} |`);
}
await rm(folder, { recursive: true, force: true });
