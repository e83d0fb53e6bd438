import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { chromium } from "@playwright/test";
import type { Page } from "@playwright/test";
import * as Y from "yjs";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import { findBrowser } from "../../scripts/find-browser.mjs";
import { buildPage } from "./build-page.ts";
import { cookiesOf, median, newId, pushDocuments } from "./stored-library.ts";
import type { CaughtUp, measurements as Measurements } from "./catch-up-page.ts";

// `npm run bench -- catch-up`: a device catches up with the built server, in a real Chromium with its profile on disk.

const TURNS = Number(process.env["TURNS"] ?? 3);
const DOCUMENTS = 2_000;
const COLD = 500;
const CHANGED = 20;
/** about 20 kB each */
const MESSAGES = 20;
/** ms the server is left alone after it took all documents, and the page after it was opened */
const REST_MS = 3_000;

declare const measurements: typeof Measurements;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
const script = await buildPage("catch-up-page.ts", folder);

function aConversation(): Uint8Array {
  const doc = new Y.Doc();
  const conversation = openConversation(doc, "bench");
  let parentId: MessageId | undefined;
  for (let at = 0; at < MESSAGES; at++) {
    const id = newId() as MessageId;
    conversation.addPrompt({ id, parentId, text: `message ${at} ${"some words ".repeat(65)}`, createdAt: at });
    parentId = id;
  }
  return Y.encodeStateAsUpdate(doc);
}

/** A page of the server's origin in a browser of its own, with nothing of the app in it. */
async function openPage(url: string, guest: Guest): Promise<{ page: Page; close: () => Promise<void> }> {
  const executablePath = findBrowser();
  const profile = await mkdtemp(join(folder, "profile-"));
  const context = await chromium.launchPersistentContext(profile, {
    ...(executablePath === undefined ? {} : { executablePath }),
    args: ["--no-sandbox", "--disable-gpu"],
  });
  await context.addCookies(cookiesOf(guest, url));
  return { page: await context.newPage(), close: () => context.close() };
}

/** Opens the page that measures; the server does not have it. */
async function openBench(page: Page, url: string): Promise<void> {
  await page.route(`${url}/bench`, (route) =>
    route.fulfill({ contentType: "text/html", body: '<script type="module" src="/bench.js"></script>' }),
  );
  await page.route(`${url}/bench.js`, (route) => route.fulfill({ contentType: "text/javascript", body: script }));
  await page.goto(`${url}/bench`);
  await page.waitForFunction(() => "measurements" in globalThis);
  // While anything is answered here, every request waits for this process.
  await page.unrouteAll();
  await setTimeout(REST_MS);
}

async function catchUp(page: Page, url: string, name: string): Promise<CaughtUp> {
  await openBench(page, url);
  return await page.evaluate((of) => measurements.catchUp(of), name);
}

async function turn(): Promise<Record<"cold" | "all" | "changed" | "same", CaughtUp>> {
  const server = await openServerProcess();
  const few = await signInGuest(server.url);
  const many = await signInGuest(server.url);
  const documents = Array.from({ length: DOCUMENTS }, () => ({
    id: newId() as ConversationId,
    update: aConversation(),
  }));
  await pushDocuments(
    few,
    documents.slice(0, COLD).map(({ update }) => ({ id: newId() as ConversationId, update })),
  );
  await pushDocuments(many, documents);
  // What it just took it still folds and projects.
  await setTimeout(REST_MS);
  const cold = await openPage(server.url, few);
  const measuredCold = await catchUp(cold.page, server.url, "cold");
  await cold.close();
  const device = await openPage(server.url, many);
  const all = await catchUp(device.page, server.url, "many");
  const edits = documents.slice(0, CHANGED).map(({ id, update }) => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, update);
    const made: Uint8Array[] = [];
    doc.on("update", (bytes: Uint8Array) => made.push(bytes));
    openConversation(doc, "bench").rename("changed elsewhere");
    return { id, update: Y.mergeUpdates(made) };
  });
  await pushDocuments(many, edits);
  const changed = await catchUp(device.page, server.url, "many");
  const same = await catchUp(device.page, server.url, "many");
  await device.close();
  await server.close();
  return { cold: measuredCold, all, changed, same };
}

const turns: Awaited<ReturnType<typeof turn>>[] = [];
for (let at = 0; at < TURNS; at++) turns.push(await turn());
await rm(folder, { recursive: true, force: true });

const load = loadavg()
  .map((figure) => figure.toFixed(1))
  .join(", ");
say(`Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model}, load ${load}; medians of ${TURNS} turns`);
say("\n| Catch-up | ms | requests | kB | documents here | budget |\n| --- | ---: | ---: | ---: | ---: | --- |");
const ROWS = {
  cold: [`${COLD} documents of 20 kB, nothing here`, "600 ms"],
  all: [`${DOCUMENTS} documents, nothing here`, ""],
  changed: [`${DOCUMENTS} documents, ${CHANGED} of them changed`, "300 ms, 3 requests"],
  same: [`${DOCUMENTS} documents, none changed`, ""],
} as const;
for (const [name, [what, budget]] of Object.entries(ROWS)) {
  const of = turns.map((one) => one[name as keyof typeof ROWS]);
  const figures = (["ms", "requests", "bytes", "here"] as const).map((key) => median(of.map((one) => one[key])));
  const [ms = 0, requests = 0, bytes = 0, here = 0] = figures;
  say(`| ${what} | ${ms.toFixed(0)} | ${requests} | ${(bytes / 1000).toFixed(0)} | ${here} | ${budget} |`);
}
