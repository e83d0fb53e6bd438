import { rm, mkdtemp } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "@playwright/test";
import { findBrowser } from "../../scripts/find-browser.mjs";
import { buildPage } from "./build-page.ts";
import type { measurements as Measurements } from "./local-store-page.ts";

// `npm run bench -- local-store`: our store and y-indexeddb in a real Chromium, on its disk.

/** each in a profile of its own */
const PAGE_RUNS = 3;
const DOCUMENTS = 300;
const OPENINGS = 3;
const APPENDS = 5_000;
const QUOTA_BYTES = 3 * 1024 * 1024;
const QUOTA_WRITES = 60;
/** Chromium goes on with the quota it knows for a while. */
const QUOTA_BITES_AFTER_MS = 35_000;

declare const measurements: typeof Measurements;

const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
const script = await buildPage("local-store-page.ts", folder);
const server = createServer((request, response) => {
  if (request.url === "/page.js") response.setHeader("content-type", "text/javascript").end(script);
  else response.setHeader("content-type", "text/html").end('<script type="module" src="/page.js"></script>');
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
const executablePath = findBrowser();

type Page = Awaited<ReturnType<typeof freshPage>>;

/** A page of a profile of its own, on disk: a private window keeps its databases in memory. */
async function freshPage() {
  const profile = await mkdtemp(join(folder, "profile-"));
  const context = await chromium.launchPersistentContext(profile, {
    ...(executablePath === undefined ? {} : { executablePath }),
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const page = await context.newPage();
  const open = async (): Promise<void> => {
    await page.goto(url);
    await page.waitForFunction(() => "measurements" in globalThis);
  };
  await open();
  return { context, page, open };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** What one page run measured of one of the two. */
interface Measured {
  open: number;
  appended: number;
  blocked: number;
  rows: number;
  reopened: number;
}

async function measureOpening({ page, open }: Page, whose: "ours" | "peers"): Promise<number> {
  const took: number[] = [];
  for (let round = 0; round < OPENINGS; round++) {
    await open();
    took.push(await page.evaluate(([of, count]) => measurements.open[of](count), [whose, DOCUMENTS] as const));
  }
  return median(took);
}

async function measureAppending({ page, open }: Page, whose: "ours" | "peers") {
  await open();
  const streamed = await page.evaluate(([of, count]) => measurements.append[of](count), [whose, APPENDS] as const);
  await open();
  const again = await page.evaluate((of) => measurements.reopen[of](), whose);
  if (again.length !== APPENDS) throw new Error(`${whose} kept ${again.length} of ${APPENDS} appends`);
  return { appended: streamed.ms, blocked: streamed.blockedMs, rows: streamed.rows, reopened: again.ms };
}

async function measureInOnePage(run: number): Promise<{ ours: Measured; peers: Measured; browser: string }> {
  const one = await freshPage();
  await one.page.evaluate((documents) => measurements.fill(documents), DOCUMENTS);
  const measured: Partial<Record<"ours" | "peers", Measured>> = {};
  // Whoever comes second finds what the first has warmed.
  for (const whose of run % 2 === 0 ? (["ours", "peers"] as const) : (["peers", "ours"] as const))
    measured[whose] = { open: await measureOpening(one, whose), ...(await measureAppending(one, whose)) };
  const browser = one.context.browser()?.version() ?? "";
  await one.context.close();
  return { ours: measured.ours!, peers: measured.peers!, browser };
}

async function openSmallDisk(): Promise<Page> {
  const small = await freshPage();
  const devtools = await small.context.newCDPSession(small.page);
  await devtools.send("Storage.overrideQuotaForOrigin", { origin: new URL(url).origin, quotaSize: QUOTA_BYTES });
  return small;
}

async function measureQuota({ page, open, context }: Page) {
  const said = await page.evaluate((writes) => measurements.writeUntilFull(writes), QUOTA_WRITES);
  await open();
  const stored = await page.evaluate(() => measurements.countStored());
  await context.close();
  return { said, stored };
}

/** The browser deletes what both have stored, in the middle of a session. */
async function measureEviction() {
  const { page, open, context } = await freshPage();
  const devtools = await context.newCDPSession(page);
  await page.evaluate(() => measurements.writeHalf());
  await devtools.send("Storage.clearDataForOrigin", { origin: new URL(url).origin, storageTypes: "indexeddb" });
  const said = await page.evaluate(() => measurements.writeHalf());
  await open();
  const stored = await page.evaluate(() => measurements.countEvicted());
  await context.close();
  return { said, stored };
}

// The small disks wait for their quota to bite while the others are measured.
const small = await Promise.all(Array.from({ length: PAGE_RUNS }, openSmallDisk));
const bitesAt = performance.now() + QUOTA_BITES_AFTER_MS;
const runs: Awaited<ReturnType<typeof measureInOnePage>>[] = [];
for (let run = 0; run < PAGE_RUNS; run++) runs.push(await measureInOnePage(run));
await new Promise((resolve) => void setTimeout(resolve, Math.max(0, bitesAt - performance.now())));
const full: Awaited<ReturnType<typeof measureQuota>>[] = [];
for (const page of small) full.push(await measureQuota(page));
const evicted: Awaited<ReturnType<typeof measureEviction>>[] = [];
for (let run = 0; run < PAGE_RUNS; run++) evicted.push(await measureEviction());

const load = loadavg()
  .map((figure) => figure.toFixed(1))
  .join(", ");
say(
  `Chromium ${runs[0]!.browser}, Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model}, load ${load}`,
);
say(`Medians of ${PAGE_RUNS} page runs, each in a new profile on disk; in brackets the least and the most.\n`);
say("| Measurement | Ours | y-indexeddb | Ours / y-indexeddb |\n| --- | ---: | ---: | ---: |");

const round = (value: number): string => Math.round(value).toLocaleString("en-GB");
const spread = (values: readonly number[]): string =>
  `${round(median(values))} (${round(Math.min(...values))}–${round(Math.max(...values))})`;
function line(what: string, key: keyof Measured): void {
  const [ours, peers] = [runs.map((run) => run.ours[key]), runs.map((run) => run.peers[key])];
  const ratio = median(peers) === 0 ? "" : (median(ours) / median(peers)).toFixed(2);
  say(`| ${what} | ${spread(ours)} | ${spread(peers)} | ${ratio} |`);
}
line(`Open ${DOCUMENTS} small documents, ms until each is in memory (median of ${OPENINGS} loads a run)`, "open");
line(`${APPENDS.toLocaleString("en-GB")} streamed appends to one document, ms until all are stored`, "appended");
line("… of these, ms in which the page's thread was busy appending", "blocked");
line("… rows left in its `updates` when the tab closes", "rows");
line("… ms to open that document after a reload", "reopened");
const counts = (what: string, ours: (number | string)[], peers: (number | string)[]): void =>
  say(`| ${what} | ${ours.join(", ")} | ${peers.join(", ")} | |`);
const one = (values: readonly unknown[]): string[] => [...new Set(values.map(String))];
counts(
  `${QUOTA_WRITES} writes of 64 KiB to each at a quota of 3 MiB for both, in each run: said to be stored`,
  full.map(({ said }) => said.ours.stored),
  one(full.map(({ said }) => (said.peer.synced ? "all" : "not all"))),
);
counts(
  "… said to have failed for lack of room",
  full.map(({ said }) => said.ours.full),
  full.map(({ said }) => said.peer.errors.length),
);
counts(
  "… there after a reload",
  full.map(({ stored }) => stored.ours),
  full.map(({ stored }) => stored.peer),
);
counts(
  "20 words, the databases of both deleted by the browser after 10 of them: said in the end, in each run",
  one(evicted.map(({ said }) => said.ours)),
  one(evicted.map(({ said }) => (said.peer ? "stored" : "not stored"))),
);
counts(
  "… words there after a reload",
  evicted.map(({ stored }) => stored.ours),
  evicted.map(({ stored }) => stored.peer),
);

server.close();
await rm(folder, { recursive: true, force: true });
