import { setMaxListeners } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { answer } from "#tests/support/provider-behaviour.ts";
import { openScriptedProvider } from "#tests/support/scripted-provider.ts";
import { createSeededRandom, seedOfThisRun } from "#tests/support/seeded-random.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import { wait } from "#tests/support/waiting.ts";
import { openSoakLoad } from "./soak-load.ts";
import { median, parseSample, percentile } from "./soak-samples.ts";
import type { SoakSample } from "./soak-samples.ts";

export interface SoakOptions {
  minutes: number;
  sampleMs: number;
  /** told a line of the table at a time */
  say: (line: string) => void;
  /** flags for the server's node, e.g. to write heap snapshots */
  nodeOptions?: string | undefined;
}

export interface SoakReport {
  samples: SoakSample[];
  counts: Readonly<Record<string, number>>;
  failures: string[];
  /** what the server still held when everybody had left */
  left: SoakSample;
}

const TYPISTS = 200;
const GUESTS = 8;
const RUNS_A_MINUTE = 50;
const CONVERSATION_MS = 240_000;
const WORDS = "The tide turns because the Moon pulls the near side a little more than the far side. ";
/** how long the server may take to notice that its sockets are gone */
const LEAVING_MS = 10_000;

const COLUMNS = [
  "minute",
  "RSS MB",
  "heap",
  "external",
  "rooms",
  "sockets",
  "runs",
  "loop p99",
  "ack p50",
  "p99",
  "file MB",
];
const row = (cells: readonly (string | number)[]): string =>
  cells.map((cell, at) => String(cell).padStart(COLUMNS[at]!.length)).join("  ");

/** Drives the built server for so many minutes with a steady load, and reads what it holds. */
export async function runSoak({ minutes, sampleMs, say, nodeOptions = "" }: SoakOptions): Promise<SoakReport> {
  const random = createSeededRandom(seedOfThisRun());
  const provider = await openScriptedProvider({ otherwise: answer(WORDS, { pace: { everyMs: 40 } }) });
  const env = { OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: "test", NODE_OPTIONS: nodeOptions };
  const server = await openServerProcess({ env });
  const ends = new AbortController();
  // Each of the devices waits for it.
  setMaxListeners(0, ends.signal);
  try {
    say(`Server ${server.pid()}, seed ${random.seed}`);
    say(row(COLUMNS));
    const load = await openSoakLoad({
      serverUrl: server.url,
      random,
      typists: TYPISTS,
      guests: GUESTS,
      runsAMinute: RUNS_A_MINUTE,
      conversationMs: CONVERSATION_MS,
      signal: ends.signal,
    });
    const startedAt = performance.now();
    const samples: SoakSample[] = [];
    const sample = async (): Promise<SoakSample> => {
      const text = await (await fetch(`${server.url}/metrics`)).text();
      return parseSample(text, (performance.now() - startedAt) / 60_000);
    };
    let told = 0;
    while ((performance.now() - startedAt) / 60_000 < minutes) {
      await Promise.race([wait(sampleMs, ends.signal), server.exited()]);
      if (!server.alive()) throw new Error(`the server ended:\n${server.output().slice(-2000)}`);
      samples.push(await sample());
      const { minute } = samples.at(-1)!;
      if (minute < told + 1) continue;
      say(
        minuteRow(
          samples.filter((one) => one.minute > told),
          load.takeAckMs(),
          fileMb(server.dataDir),
        ),
      );
      told = Math.floor(minute);
    }
    ends.abort();
    await load.ended;
    return { samples, counts: load.counts, failures: [...load.failures], left: await whenAllLeft(sample) };
  } finally {
    ends.abort();
    await server.close();
    await provider.close();
  }
}

/** What the server holds once it has noticed that everybody left, or has had time enough to. */
async function whenAllLeft(sample: () => Promise<SoakSample>): Promise<SoakSample> {
  const enough = AbortSignal.timeout(LEAVING_MS);
  for (;;) {
    const left = await sample();
    if (left.sockets + left.followers === 0 || enough.aborted) return left;
    await wait(200, enough);
  }
}

function minuteRow(samples: readonly SoakSample[], ackMs: readonly number[], fileSizeMb: number): string {
  const of = (what: keyof SoakSample): number => median(samples.map((sample) => sample[what]));
  return row([
    Math.round(samples.at(-1)!.minute),
    of("rssMb").toFixed(1),
    of("heapMb").toFixed(1),
    of("externalMb").toFixed(1),
    of("rooms"),
    of("sockets"),
    samples.at(-1)!.runsEnded,
    of("loopP99Ms").toFixed(1),
    percentile(ackMs, 0.5).toFixed(1),
    percentile(ackMs, 0.99).toFixed(1),
    fileSizeMb.toFixed(1),
  ]);
}

const fileMb = (dataDir: string): number => statSync(join(dataDir, "holdfast.sqlite")).size / 1024 / 1024;
