import { expect, test } from "vitest";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import type { RunId } from "#shared/domain/ids.ts";
import { createFrame } from "./frame.ts";
import { createRunFeed } from "./run-feed.ts";
import type { RunFeed } from "./run-feed.ts";
import { createRunFollowers } from "./run-followers.ts";
import { RUN_LIMITS, RUN_TIMERS } from "./run-timers.ts";

const log = { error: () => undefined, warn: () => undefined, info: () => undefined };
const nobody = { write: () => false, bufferedBytes: () => 0, end: () => undefined, destroy: () => undefined };
const always = async (): Promise<boolean> => true;

const openFollowers = () =>
  createRunFollowers({ clock: createFakeClock(0), timers: RUN_TIMERS, log: log as never, random: () => 0 }, () => []);

/** A run that is over, of the longest text there may be. */
function openFeed(): RunFeed {
  const feed = createRunFeed("queued");
  const t = "x".repeat(RUN_LIMITS.text);
  const len = { t: t.length, r: 0 };
  feed.add([createFrame(1, { type: "d", c: "t", o: 0, t }), createFrame(2, { type: "end", state: "completed", len })]);
  return feed;
}

test("runs that are over count for as long as somebody reads them, each once", () => {
  const followers = openFollowers();
  const readers: { left(): void }[] = [];
  const read = (feed: RunFeed, name: string): void =>
    void readers.push(followers.attach({ runId: name as RunId, feed }, 0, nobody, always));
  const shared = openFeed();
  for (let i = 0; i < 63; i++) read(shared, "shared");
  expect(followers.mayFollow(shared)).toBe(true);
  let others = 0;
  for (let feed = openFeed(); followers.mayFollow(feed) && others < 1000; feed = openFeed())
    read(feed, `other ${(others += 1)}`);
  expect(others).toBeGreaterThan(20);
  expect(others).toBeLessThanOrEqual(RUN_LIMITS.process / RUN_LIMITS.text);
  expect(followers.mayFollow(shared)).toBe(false);
  for (const reader of readers) reader.left();
  expect([followers.count(), followers.mayFollow(shared)]).toEqual([0, true]);
});

test("what is buffered for readers counts too", () => {
  const followers = openFollowers();
  const feed = createRunFeed("queued");
  const sink = { ...nobody, bufferedBytes: () => RUN_LIMITS.process };
  const reader = followers.attach({ runId: "one" as RunId, feed }, 0, sink, always);
  expect(followers.mayFollow(createRunFeed("queued"))).toBe(true);
  followers.attach({ runId: "two" as RunId, feed }, 0, { ...sink, bufferedBytes: () => 1 }, always);
  expect(followers.mayFollow(createRunFeed("queued"))).toBe(false);
  reader.left();
  expect(followers.mayFollow(createRunFeed("queued"))).toBe(true);
});

test("a run that is over is shared by those who read it, and by nobody after them", () => {
  const followers = openFollowers();
  const feed = openFeed();
  const reader = followers.attach({ runId: "one" as RunId, feed }, 0, nobody, always);
  followers.attach({ runId: "live" as RunId, feed: createRunFeed("streaming") }, 0, nobody, always);
  const found = (): (RunFeed | undefined)[] => ["one", "live", "two"].map((id) => followers.wholeOf(id as RunId));
  expect(found()).toEqual([feed, undefined, undefined]);
  reader.left();
  expect(found()).toEqual([undefined, undefined, undefined]);
});
