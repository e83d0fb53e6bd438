/** Chance that can be repeated: the same seed gives the same numbers on every machine. */
export interface SeededRandom {
  readonly seed: number;
  /** a number in [0, 1) */
  next(): number;
  /** a whole number in [0, below) */
  below(below: number): number;
  /** Fills a new array; fits `createUuidV7`. */
  bytes(length: number): Uint8Array;
}

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state, enough for choosing moments and places. */
export function createSeededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return { seed, next, below, bytes: (length) => Uint8Array.from({ length }, () => below(256)) };
}

/**
 * The seed of generated attacks: `SEED`, else one that is the same in every test run, so that what `npm test` says of a
 * commit does not change; the long form (`HOSTILE`) draws a fresh one.
 */
export const hostileSeed = (): number =>
  process.env["SEED"] === undefined && process.env["HOSTILE"] === undefined ? 20_261_122 : seedOfThisRun();

/** The seed of this run: `SEED` of the environment, or a new one. Print it, so that a failure can be repeated. */
export const seedOfThisRun = (): number => Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 32));
