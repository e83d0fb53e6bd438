import { expect, test } from "vitest";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import { follow } from "./followers.ts";
import { createFrame } from "./frame.ts";
import { createRunFeed } from "./run-feed.ts";

const timers = { heartbeat: 15_000, followerBlocked: 30_000 };

/** A reader who takes nothing, of a run that has ended. */
function openReader() {
  const feed = createRunFeed("queued");
  const clock = createFakeClock(0);
  const did: string[] = [];
  const sink = {
    write: () => true,
    bufferedBytes: () => 1000,
    end: () => void did.push("end"),
    destroy: () => void did.push("destroy"),
  };
  const follower = follow({ feed, cursor: 0, sink, clock, timers, onEnd: () => void did.push("over") });
  return { feed, follower, did, clock };
}

const text = createFrame(1, { type: "d", c: "t", o: 0, t: "one" });
const last = createFrame(2, { type: "end", state: "completed", len: { t: 3, r: 0 } });

test("a reader who does not take the last of a run is dropped after 30 s, and counts until then", () => {
  const { feed, follower, did, clock } = openReader();
  feed.add([text, last]);
  clock.advance(29_999);
  expect([did, feed.readers, follower.pending]).toEqual([["end"], 1, 1000]);
  clock.advance(1);
  expect([did, feed.readers]).toEqual([["end", "destroy", "over"], 0]);
});

test("a reader who takes the last of it is not waited for any longer", () => {
  const { feed, follower, did, clock } = openReader();
  feed.add([text, last]);
  follower.left();
  clock.advance(600_000);
  expect([did, feed.readers]).toEqual([["end", "over"], 0]);
});

test("a reader who is told goodbye and does not read it is dropped too, and told nothing more", () => {
  const { feed, follower, did, clock } = openReader();
  feed.add([text]);
  follower.bye("deploy");
  follower.bye("closing");
  feed.add([last]);
  expect(did).toEqual(["end"]);
  clock.advance(30_000);
  expect([did, feed.readers]).toEqual([["end", "destroy", "over"], 0]);
});
