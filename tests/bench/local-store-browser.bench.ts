import { readFile, rm, mkdtemp } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";
import { build } from "vite";
import { findBrowser } from "../../scripts/find-browser.mjs";
import type { measurements as Measurements } from "./local-store-page.ts";

// `npx tsx tests/bench/local-store-browser.bench.ts`: our store and y-indexeddb in a real Chromium, on its disk.

const DOCUMENTS = 300;
const APPENDS = 2_000;
const ROUNDS = 5;
const QUOTA_BYTES = 3 * 1024 * 1024;
const QUOTA_WRITES = 60;
/** Chromium goes on with the quota it knows for a while. */
const QUOTA_BITES_AFTER_MS = 35_000;

declare const measurements: typeof Measurements;

const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
await build({
  configFile: false,
  logLevel: "error",
  build: {
    outDir: folder,
    lib: {
      entry: fileURLToPath(new URL("local-store-page.ts", import.meta.url)),
      formats: ["es"],
      fileName: () => "page.js",
    },
  },
});
const script = await readFile(join(folder, "page.js"));
const server = createServer((request, response) => {
  if (request.url === "/page.js") response.setHeader("content-type", "text/javascript").end(script);
  else response.setHeader("content-type", "text/html").end('<script type="module" src="/page.js"></script>');
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
const executablePath = findBrowser();
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
const median = (values: number[]): number => Math.round(values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0);
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const opening = await freshPage();
say(`Chromium ${opening.context.browser()?.version() ?? ""}`);
await opening.page.evaluate((documents) => measurements.fill(documents), DOCUMENTS);
const ours: number[] = [];
const peers: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  await opening.open();
  ours.push(await opening.page.evaluate((documents) => measurements.openOurs(documents), DOCUMENTS));
  await opening.open();
  peers.push(await opening.page.evaluate((documents) => measurements.openPeers(documents), DOCUMENTS));
}
say(`open ${DOCUMENTS} documents, median of ${ROUNDS}: ours ${median(ours)} ms, y-indexeddb ${median(peers)} ms`);
await opening.context.close();

const appending = await freshPage();
const rows = await appending.page.evaluate((appends) => measurements.append(appends), APPENDS);
say(`rows left by ${APPENDS} appends: ours ${rows.ours}, y-indexeddb ${rows.peer}`);
await appending.context.close();

const filling = await freshPage();
const devtools = await filling.context.newCDPSession(filling.page);
await devtools.send("Storage.overrideQuotaForOrigin", { origin: new URL(url).origin, quotaSize: QUOTA_BYTES });
await filling.page.waitForTimeout(QUOTA_BITES_AFTER_MS);
const said = await filling.page.evaluate((writes) => measurements.writeUntilFull(writes), QUOTA_WRITES);
await filling.open();
const stored = await filling.page.evaluate(() => measurements.countStored());
say(`${QUOTA_WRITES} writes of 64 KiB to each at a quota of ${QUOTA_BYTES} bytes for both:`);
say(`  ours: ${JSON.stringify(said.ours)}, after a reload ${stored.ours}`);
say(`  y-indexeddb: ${JSON.stringify(said.peer)}, after a reload ${stored.peer}`);

await filling.context.close();
server.close();
await rm(folder, { recursive: true, force: true });
