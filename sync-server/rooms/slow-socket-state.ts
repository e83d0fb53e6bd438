/** A transport that holds more than this gets no live frames: what it misses comes as one merged catch-up (R12). */
export const FULL_BYTES = 1024 * 1024;
/** A transport that holds more than this costs us more memory than its reader is worth. */
export const CLOSE_BYTES = 8 * 1024 * 1024;
/** A full transport that lost no byte for so long has no reader any more. */
export const STUCK_MS = 15_000;

/** Since when, and at which progress, a full transport stands still; `undefined` while it flows. */
export type Standstill = { since: number; progress: number } | undefined;
export type Flow = "flowing" | "full" | "dead";

/** What a transport holds, and a number that grows as it loses any of it: others may fill it up again meanwhile. */
export interface Hold {
  buffered: number;
  progress: number;
}

/** Judges a transport by the bytes it holds now. Times are ms. */
export function nextFlow(before: Standstill, held: Hold, now: number): { standstill: Standstill; flow: Flow } {
  const { buffered, progress } = held;
  if (buffered <= FULL_BYTES) return { standstill: undefined, flow: "flowing" };
  const moved = before === undefined || progress > before.progress;
  const standstill = moved ? { since: now, progress } : before;
  const dead = buffered > CLOSE_BYTES || now - standstill.since >= STUCK_MS;
  return { standstill, flow: dead ? "dead" : "full" };
}
