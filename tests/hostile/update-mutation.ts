import * as Y from "yjs";
import type { SeededRandom } from "#tests/support/seeded-random.ts";

/** Changes a few bits. */
export function flip(random: SeededRandom, update: Uint8Array): Uint8Array {
  const mutated = update.slice();
  for (let flips = 1 + random.below(3); flips > 0; flips--) {
    const at = random.below(mutated.length);
    mutated[at] = (mutated[at] ?? 0) ^ (1 << random.below(8));
  }
  return mutated;
}

export const cut = (random: SeededRandom, update: Uint8Array): Uint8Array =>
  update.slice(0, random.below(update.length));

/** The beginning of one update and the end of another. */
export function splice(random: SeededRandom, head: Uint8Array, tail: Uint8Array): Uint8Array {
  const front = cut(random, head);
  const back = tail.slice(random.below(tail.length));
  const joined = new Uint8Array(front.length + back.length);
  joined.set(front);
  joined.set(back, front.length);
  return joined;
}

/**
 * Removes ever smaller runs of bytes for as long as the rest still does harm (delta debugging; Zeller and
 * Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002).
 */
export function shrink(update: Uint8Array, harms: (candidate: Uint8Array) => boolean): Uint8Array {
  let smallest = update;
  for (let run = smallest.length >> 1; run >= 1; run >>= 1) {
    for (let at = 0; at + run <= smallest.length;) {
      const candidate = Uint8Array.from([...smallest.subarray(0, at), ...smallest.subarray(at + run)]);
      if (harms(candidate)) smallest = candidate;
      else at += run;
    }
  }
  return smallest;
}

/** The same change in format V2, which hangs some readers of V1 (yjs#687). */
export const asV2 = (update: Uint8Array): Uint8Array => Y.convertUpdateFormatV1ToV2(update);
