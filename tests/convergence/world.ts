import { createSeededRandom } from "#tests/support/seeded-random.ts";
import type { SeededRandom } from "#tests/support/seeded-random.ts";

/** Simulated time and chance. Everything that happens in a simulation is a callback scheduled here. */
export interface World {
  readonly random: SeededRandom;
  /** simulated ms since 1970 */
  now(): number;
  /** Calls back after `ms` of simulated time; what is due at the same moment runs in the order it was scheduled. */
  after(ms: number, callback: () => void): () => void;
  /** A whole number of ms, most often near `low`, at times much longer: networks and disks are like that. */
  delay(low: number, high: number): number;
  /** true with this probability */
  chance(probability: number): boolean;
  /** Lets simulated time pass. */
  run(ms: number): void;
  /** Adds a line to the story of this seed, printed when it fails. */
  note(line: string): void;
  story(): readonly string[];
}

const STORY_LINES = 400;

/** A world whose whole course follows from its seed. */
export function createWorld(seed: number): World {
  const random = createSeededRandom(seed);
  const due: { at: number; order: number; callback: () => void }[] = [];
  const lines: string[] = [];
  let now = Date.UTC(2026, 0, 1);
  let order = 0;

  function next(until: number): (typeof due)[number] | undefined {
    let best: (typeof due)[number] | undefined;
    for (const entry of due) {
      if (entry.at > until) continue;
      if (!best || entry.at < best.at || (entry.at === best.at && entry.order < best.order)) best = entry;
    }
    if (best) due.splice(due.indexOf(best), 1);
    return best;
  }

  return {
    random,
    now: () => now,
    after(ms, callback) {
      const entry = { at: now + ms, order: order++, callback };
      due.push(entry);
      return () => {
        const at = due.indexOf(entry);
        if (at >= 0) due.splice(at, 1);
      };
    },
    delay: (low, high) => Math.round(low + (high - low) * random.next() ** 4),
    chance: (probability) => random.next() < probability,
    run(ms) {
      const until = now + ms;
      for (let entry = next(until); entry; entry = next(until)) {
        now = Math.max(now, entry.at);
        entry.callback();
      }
      now = until;
    },
    note(line) {
      lines.push(`${now % 100_000_000} ${line}`);
      if (lines.length > STORY_LINES) lines.shift();
    },
    story: () => lines,
  };
}
