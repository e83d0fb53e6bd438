import { fork } from "node:child_process";
import { setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import type { SimulationReport } from "./simulation.ts";

/** What came of one seed; its story is told by playing it again. */
export type PlayedSeed = Omit<SimulationReport, "story"> & { seed: number };

export type Totals = Pick<
  SimulationReport,
  "edits" | "acknowledged" | "kills" | "runs" | "diverged" | "mended" | "healed"
>;

export interface Played {
  totals: Totals;
  /** every seed that broke a promise, in order */
  failing: readonly PlayedSeed[];
}

export interface SeedRange {
  first: number;
  count: number;
  /** how many processes share the work */
  shards: number;
  /** called with how many are done, and how many of them failed */
  onProgress: (done: number, failing: number) => void;
}

const MAIN = fileURLToPath(new URL("play-seeds-main.ts", import.meta.url));
/** Tests beside this one wait for real time: they go first. */
const NICE = 10;

/** Plays a range of seeds in processes of their own, whatever fails, and adds up what they tell. */
export async function playSeeds({ first, count, shards, onProgress }: SeedRange): Promise<Played> {
  const totals: Totals = { edits: 0, acknowledged: 0, kills: 0, runs: 0, diverged: 0, mended: 0, healed: 0 };
  const failing: PlayedSeed[] = [];
  let done = 0;
  function take(played: PlayedSeed): void {
    for (const what of Object.keys(totals) as (keyof Totals)[]) totals[what] += played[what];
    if (played.violations.length > 0) failing.push(played);
    done += 1;
    onProgress(done, failing.length);
  }
  const starts = Array.from({ length: Math.min(shards, count) }, (_, shard) => first + shard);
  await Promise.all(starts.map((start) => playShard([start, first + count, starts.length], take)));
  return { totals, failing: failing.toSorted((a, b) => a.seed - b.seed) };
}

/** Rejects where a process ends before its last seed. */
function playShard(range: readonly [first: number, end: number, step: number], take: (played: PlayedSeed) => void) {
  const [first, end, step] = range;
  const child = fork(MAIN, range.map(String), { execArgv: ["--import", "tsx"] });
  if (child.pid !== undefined) setPriority(child.pid, NICE);
  let next = first;
  child.on("message", (played) => {
    next = (played as PlayedSeed).seed + step;
    take(played as PlayedSeed);
  });
  return new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (next >= end) resolve();
      else reject(new Error(`The process that played seed ${next} ended with ${code ?? signal}`));
    });
  });
}
