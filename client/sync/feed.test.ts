import { expect, test } from "vitest";
import type { LocalLibrary } from "#client/local-store/open-library.ts";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import { ANSWER_MS, WAKE_ANSWER_MS } from "./engine-state.ts";
import { openFeed } from "./feed.ts";

/** A reader of a feed whose requests are never answered, as on a connection that died in silence. */
function aSilentFeed() {
  const clock = createFakeClock();
  const requests: AbortSignal[] = [];
  let failures = 0;
  let wake: (() => void) | undefined;
  const fetch = (_path: unknown, init?: RequestInit) =>
    new Promise<Response>((_resolve, reject) => {
      const signal = init?.signal as AbortSignal;
      requests.push(signal);
      signal.addEventListener("abort", () => reject(signal.reason as Error));
    });
  const connectivity = {
    online: () => true,
    onOffline: () => () => undefined,
    onWake(callback: () => void) {
      wake = callback;
      return () => undefined;
    },
  };
  const library = { ready: Promise.resolve(), cursor: () => 0 } as unknown as LocalLibrary;
  const host = { contact: () => undefined, failure: () => void failures++, sessionWorks: () => undefined };
  const visibility = { visible: () => true, onHide: () => () => undefined };
  const bodies = { pull: async () => "done" as const };
  openFeed(
    { clock, random: () => 0, fetch, connectivity, visibility },
    library,
    bodies,
    host,
    new AbortController().signal,
  );
  return { clock, requests, failures: () => failures, wake: () => wake?.() };
}
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("O6: a request without an answer is given up after 10 s, and made again", async () => {
  const feed = aSilentFeed();
  await settle();
  feed.clock.advance(ANSWER_MS - 1);
  expect(feed.requests[0]?.aborted).toBe(false);
  feed.clock.advance(1);
  await settle();
  expect(feed.failures()).toBe(1);
  feed.clock.advance(1_000);
  await settle();
  expect(feed.requests).toHaveLength(2);
});

test("O6: after a wake-up a request has 5 s left", async () => {
  const feed = aSilentFeed();
  await settle();
  feed.wake();
  feed.clock.advance(WAKE_ANSWER_MS);
  await settle();
  expect(feed.requests[0]?.aborted).toBe(true);
});
