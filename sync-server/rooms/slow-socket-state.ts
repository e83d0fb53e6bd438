/** A transport that holds more than this gets no live frames: what it misses comes as one merged catch-up (R12). */
export const FULL_BYTES = 1024 * 1024;
/** A transport that holds more than this costs us more memory than its reader is worth. */
export const CLOSE_BYTES = 8 * 1024 * 1024;
/** A full transport that lost no byte for so long has no reader any more. */
export const STUCK_MS = 15_000;

/** Since when, and at how many bytes, a full transport stands still; `undefined` while it flows. */
export type Standstill = { since: number; bytes: number } | undefined;
export type Flow = "flowing" | "full" | "dead";

/** Judges a transport by the bytes it holds now. Times are ms. */
export function nextFlow(before: Standstill, buffered: number, now: number): { standstill: Standstill; flow: Flow } {
  if (buffered <= FULL_BYTES) return { standstill: undefined, flow: "flowing" };
  const moved = before === undefined || buffered < before.bytes;
  const standstill = moved ? { since: now, bytes: buffered } : before;
  const dead = buffered > CLOSE_BYTES || now - standstill.since >= STUCK_MS;
  return { standstill, flow: dead ? "dead" : "full" };
}
