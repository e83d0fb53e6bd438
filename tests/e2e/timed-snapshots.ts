import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CDPSession, Page } from "@playwright/test";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { Jwks } from "#shared/provenance/signing-keys.ts";
import { buildPage } from "#tests/bench/build-page.ts";
import { createWriter } from "#tests/support/compared-pairs.ts";
import type { PairName } from "#tests/support/compared-pairs.ts";
import { aContent, aParty } from "#tests/support/signing-party.ts";
import type { ComparedIn, VerifiedIn, snapshotSpeedPage as SnapshotSpeedPage } from "./snapshot-speed-page.ts";

declare const snapshotSpeedPage: typeof SnapshotSpeedPage;
declare const signed: { content: FrozenContent; keys: Jwks };

/** An origin that is trusted: browsers lend cryptography to no other. */
const ORIGIN = "https://speed.test/";

/** What the app computes about snapshots, to be timed in a page. `cpu`: of the page's main thread, in ms. */
export interface TimedSnapshots {
  compare(name: PairName): Promise<ComparedIn & { cpu: number }>;
  /** the marks of 200 messages, 100 of which are signed answers */
  verify(): Promise<VerifiedIn & { cpu: number }>;
}

let built: Promise<string> | undefined;

async function buildOnce(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-speed-"));
  const script = await buildPage("../e2e/snapshot-speed-page.ts", folder);
  await rm(folder, { recursive: true });
  return script;
}

/** Puts it into a page; nothing of it ran before. */
export async function openTimedSnapshots(page: Page): Promise<TimedSnapshots> {
  built ??= buildOnce();
  const script = await built;
  await page.route(ORIGIN, (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html>" }));
  await page.goto(ORIGIN);
  await page.addScriptTag({ content: `window.process = { env: { NODE_ENV: "production" } };` });
  await page.addScriptTag({ content: script, type: "module" });
  await page.waitForFunction(() => "snapshotSpeedPage" in globalThis);
  await page.evaluate(
    ({ content, keys }) => Object.assign(globalThis, { signed: { content, keys } }),
    await signedContent(),
  );
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable");
  const withCpu = async <Figures>(work: () => Promise<Figures>): Promise<Figures & { cpu: number }> => {
    const before = await mainThreadMs(devtools);
    const figures = await work();
    return { ...figures, cpu: (await mainThreadMs(devtools)) - before };
  };
  return {
    async compare(name) {
      await page.evaluate((of) => snapshotSpeedPage.prepare(of), name);
      return await withCpu(() => page.evaluate(() => snapshotSpeedPage.compare()));
    },
    verify: () => withCpu(() => page.evaluate(() => snapshotSpeedPage.verify(signed.content, signed.keys))),
  };
}

/** Processor time of the page's main thread so far: other work on the machine does not count in it. */
async function mainThreadMs(devtools: CDPSession): Promise<number> {
  const { metrics } = await devtools.send("Performance.getMetrics");
  return (metrics.find(({ name }) => name === "ThreadTime")?.value ?? Number.NaN) * 1_000;
}

async function signedContent(): Promise<{ content: FrozenContent; keys: Jwks }> {
  const party = await aParty();
  const texts = createWriter(2_027).turnsOf(200);
  const turns = Array.from({ length: 100 }, (_, index) => ({
    prompt: texts[2 * index] ?? "",
    answer: texts[2 * index + 1] ?? "",
  }));
  return { content: await aContent(party, turns), keys: { keys: [party.key] } };
}
