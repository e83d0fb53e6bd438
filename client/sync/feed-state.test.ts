import { expect, test } from "vitest";
import { FEED_HINT_MS, FEED_INTERVAL_MS, firstFeedState, nextFeed } from "./feed-state.ts";

const reading = nextFeed(0, firstFeedState(0), { type: "due" });

test("the feed is read at start, then every interval", () => {
  expect(reading.status).toBe("reading");
  expect(nextFeed(10, reading, { type: "read", more: false })).toMatchObject({ at: 10 + FEED_INTERVAL_MS });
  expect(nextFeed(10, reading, { type: "read", more: true }).status).toBe("reading");
});

test("a hint brings the next look nearer; one that comes while reading brings another", () => {
  const waiting = nextFeed(0, reading, { type: "read", more: false });
  expect(nextFeed(5, waiting, { type: "hint" })).toMatchObject({ at: 5 + FEED_HINT_MS });
  const hinted = nextFeed(5, reading, { type: "hint" });
  expect(nextFeed(9, hinted, { type: "read", more: false })).toMatchObject({ at: 9 + FEED_HINT_MS });
});

test("failures wait longer and longer, hints do not hurry them, a wake-up does", () => {
  let state = reading;
  const waits: number[] = [];
  for (let failure = 0; failure < 8; failure++) {
    state = nextFeed(0, state, { type: "failed", random: 0.999_999 });
    if (state.status === "waiting") waits.push(state.at);
    state = nextFeed(1e9, state, { type: "due" });
  }
  expect(waits).toEqual(waits.toSorted((a, b) => a - b));
  expect(waits.at(-1)).toBeLessThanOrEqual(500 + FEED_INTERVAL_MS);
  const failed = nextFeed(0, state, { type: "failed", random: 0.5 });
  expect(nextFeed(0, failed, { type: "hint" })).toEqual(failed);
  expect(nextFeed(0, failed, { type: "wake" })).toMatchObject({ at: 0 });
});
