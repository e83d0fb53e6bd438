import { createSeededRandom } from "#tests/support/seeded-random.ts";
import type { SeededRandom } from "#tests/support/seeded-random.ts";

/** Whoever schedules something: nothing of it happens any more once it is dead. */
export interface Owner {
  dead: boolean;
}

/** Simulated time and chance. Everything that happens in a simulation is a callback scheduled here. */
export interface World {
  readonly seed: number;
  /** simulated ms since 1970, by a clock that nobody sets */
  now(): number;
  /** A stream of chance of its own for each name, so that taking one thing out leaves the others as they were. */
  chance(name: string): Chance;
  /** Calls back after `ms` of simulated time; what is due at the same moment runs in the order it was scheduled. */
  after(ms: number, callback: () => void, owner?: Owner): () => void;
  /** Lets simulated time pass; resolves when what was due, and all promises it settled, are done. */
  run(ms: number): Promise<void>;
  /** Lets promises settle, and forgets what is still due. */
  end(): Promise<void>;
  /** Adds a line to the story of this seed, printed when it fails. */
  note(line: string): void;
  story(): readonly string[];
  /** how many callbacks ran */
  steps(): number;
}

export interface Chance extends SeededRandom {
  /** true with this probability */
  is(probability: number): boolean;
  /** A whole number of ms, most often near `low`, at times much longer: networks and disks are like that. */
  delay(low: number, high: number): number;
}

const STORY_LINES = 600;
/** A callback that throws ends the simulation; one that goes round for ever must do so too. */
const MOST_STEPS = 3_000_000;
/** Node settles all promises between two immediates; a batch of them spares a turn of the event loop for each. */
const BATCH = 64;

const START = Date.UTC(2026, 0, 1);
// Simulations replace the global one, which fake-indexeddb takes its turns from.
const realImmediate = globalThis.setImmediate;

interface Entry {
  at: number;
  order: number;
  callback: () => void;
  owner: Owner | undefined;
  cancelled: boolean;
}

/** A world whose whole course follows from its seed. */
export function createWorld(seed: number): World {
  const due = createHeap();
  const lines: string[] = [];
  const streams = new Map<string, Chance>();
  let now = START;
  let order = 0;
  let steps = 0;

  /** Runs the next callback that is due; answers false when there is none. */
  function step(until: number): boolean {
    const entry = due.pop(until);
    if (entry === undefined) return false;
    now = Math.max(now, entry.at);
    if (entry.cancelled || entry.owner?.dead === true) return true;
    steps += 1;
    if (steps > MOST_STEPS) throw new Error("O9: the simulation goes round and round");
    entry.callback();
    return true;
  }

  return {
    seed,
    now: () => now,
    chance(name) {
      const known = streams.get(name) ?? createChance(hash(`${seed}/${name}`));
      streams.set(name, known);
      return known;
    },
    after(ms, callback, owner) {
      const entry = { at: now + Math.max(0, ms), order: order++, callback, owner, cancelled: false };
      due.push(entry);
      return () => void (entry.cancelled = true);
    },
    async run(ms) {
      const until = now + ms;
      await new Promise<void>((resolve, reject) => {
        let open = true;
        const one = (): void => {
          if (!open) return;
          try {
            open = step(until);
          } catch (error) {
            open = false;
            reject(error);
          }
        };
        const batch = (): void => {
          if (!open) return resolve();
          for (let i = 0; i < BATCH; i++) realImmediate(one);
          realImmediate(batch);
        };
        batch();
      });
      now = until;
    },
    async end() {
      for (let turn = 0; turn < BATCH; turn++) await new Promise((resolve) => realImmediate(resolve));
      due.clear();
    },
    note(line) {
      lines.push(`${((now - START) / 1000).toFixed(3).padStart(8)} ${line}`);
      if (lines.length > STORY_LINES) lines.shift();
    },
    story: () => lines,
    steps: () => steps,
  };
}

function createChance(seed: number): Chance {
  const random = createSeededRandom(seed);
  return {
    ...random,
    is: (probability) => random.next() < probability,
    delay: (low, high) => Math.round(low + (high - low) * random.next() ** 4),
  };
}

/** FNV-1a (Fowler, Noll, Vo): spreads names over seeds. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return value >>> 0;
}

/** A binary heap of what is due, earliest first. */
function createHeap() {
  const heap: Entry[] = [];
  const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
  const entryAt = (at: number): Entry => heap[at] as Entry;
  function swap(a: number, b: number): void {
    const held = entryAt(a);
    heap[a] = entryAt(b);
    heap[b] = held;
  }
  function sink(): void {
    for (let at = 0; ;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < heap.length && before(entryAt(child), entryAt(least))) least = child;
      if (least === at) return;
      swap(at, least);
      at = least;
    }
  }
  return {
    push(entry: Entry): void {
      heap.push(entry);
      for (let at = heap.length - 1; at > 0;) {
        const parent = (at - 1) >> 1;
        if (!before(entryAt(at), entryAt(parent))) return;
        swap(at, parent);
        at = parent;
      }
    },
    clear: () => void heap.splice(0),
    pop(until: number): Entry | undefined {
      const first = heap[0];
      if (first === undefined || first.at > until) return undefined;
      const last = heap.pop();
      if (last !== undefined && last !== first) {
        heap[0] = last;
        sink();
      }
      return first;
    },
  };
}
