import { backoffMs } from "#shared/lib/backoff.ts";

/** ms between two looks at the feed while the page is visible */
export const FEED_INTERVAL_MS = 10_000;
/** ms a hint (an ack, word from the server) waits for more of its kind */
export const FEED_HINT_MS = 500;

/** When the feed is read next. One request at a time. */
export type FeedState =
  | { status: "waiting"; at: number; failures: number }
  /** `again`: a hint came meanwhile that the answer may not cover */
  | { status: "reading"; again: boolean; failures: number };

export type FeedEvent =
  | { type: "due" }
  /** something may have changed on the server */
  | { type: "hint" }
  /** the page came back to life */
  | { type: "wake" }
  | { type: "read"; more: boolean }
  | { type: "failed"; random: number };

export const firstFeedState = (now: number): FeedState => ({ status: "waiting", at: now, failures: 0 });

export function nextFeed(now: number, state: FeedState, event: FeedEvent): FeedState {
  switch (event.type) {
    case "due":
      return state.status === "waiting" && now >= state.at ? reading(state.failures) : state;
    case "wake":
      return state.status === "waiting" ? { ...state, at: now } : { ...state, again: true };
    case "hint":
      if (state.status === "reading") return { ...state, again: true };
      // While the server cannot be reached, hints do not hurry the next attempt.
      return state.failures > 0 ? state : { ...state, at: Math.min(state.at, now + FEED_HINT_MS) };
    case "read":
      if (event.more) return reading(0);
      return waiting(now + (state.status === "reading" && state.again ? FEED_HINT_MS : FEED_INTERVAL_MS), 0);
    case "failed":
      return waiting(now + 500 + backoffMs(state.failures, 500, FEED_INTERVAL_MS, event.random), state.failures + 1);
  }
}

const reading = (failures: number): FeedState => ({ status: "reading", again: false, failures });
const waiting = (at: number, failures: number): FeedState => ({ status: "waiting", at, failures });
