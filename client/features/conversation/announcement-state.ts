/** What was last said about the answer being written. */
export interface Announced {
  runId: string | undefined;
  /** ms since 1970 */
  saidAt: number;
}

export type Announcement = { type: "generating" } | { type: "still" } | { type: "complete"; words: number };

/** Tokens are never announced; at most this often a listener hears that the answer goes on. */
const STILL_MS = 10_000;

export const NOTHING_ANNOUNCED: Announced = { runId: undefined, saidAt: 0 };

/**
 * Decides what to announce.
 * @param active the run being written, if any
 * @param completedWords how many words the answer has whose run just ended well
 */
export function nextAnnouncement(
  state: Announced,
  active: string | undefined,
  completedWords: number | undefined,
  now: number,
): { state: Announced; say: Announcement | undefined } {
  if (active === undefined) {
    if (state.runId === undefined) return { state, say: undefined };
    const say: Announcement | undefined =
      completedWords === undefined ? undefined : { type: "complete", words: completedWords };
    return { state: NOTHING_ANNOUNCED, say };
  }
  if (active !== state.runId) return { state: { runId: active, saidAt: now }, say: { type: "generating" } };
  if (now - state.saidAt >= STILL_MS) return { state: { runId: active, saidAt: now }, say: { type: "still" } };
  return { state, say: undefined };
}
