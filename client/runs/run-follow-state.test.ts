import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RunSnapshot } from "#shared/protocol/run-bodies.ts";
import type { RunEvent } from "#shared/protocol/run-events.ts";
import { followDeadline, liveRunOf, newFollow, nextFollow } from "./run-follow-state.ts";
import type { FollowEffect, FollowEvent, FollowState, FollowStep } from "./run-follow-state.ts";

const started: RunEvent = { type: "s", seq: 1, v: 1, run: "r", msg: "m", state: "streaming", attempt: 1 };
const text = (seq: number, o: number, t: string): RunEvent => ({ type: "d", seq, c: "t", o, t });

/** A run's whole log: a start, text and reasoning, an end. */
function logOf(pieces: readonly { c: "t" | "r"; t: string }[]): RunEvent[] {
  const length = { t: 0, r: 0 };
  const frames = pieces.map(({ c, t }, i): RunEvent => {
    const frame: RunEvent = { type: "d", seq: i + 2, c, o: length[c], t };
    length[c] += t.length;
    return frame;
  });
  return [started, ...frames, { type: "end", seq: pieces.length + 2, state: "completed", len: { ...length } }];
}

const textOf = (log: readonly RunEvent[], c: "t" | "r", through: number): string =>
  log
    .flatMap((event) => (event.type === "d" && event.c === c && (event.seq ?? 0) <= through ? [event.t] : []))
    .join("");

const snapshotOf = (log: readonly RunEvent[], seq: number): RunSnapshot => ({
  id: "r",
  conversationId: "c",
  parentMessageId: "p",
  messageId: "m",
  model: "guide/guide",
  state: seq >= log.length ? "completed" : "streaming",
  seq,
  text: textOf(log, "t", seq),
  reasoning: textOf(log, "r", seq),
  attempts: 1,
});

/** Runs the machine with a clock that each event moves, remembering what it last asked for. */
function follower(random = 0) {
  let state: FollowState = newFollow;
  let now = 1_000_000;
  let effects: readonly FollowEffect[] = [];
  return {
    state: () => state,
    effects: () => effects,
    live: () => liveRunOf(state),
    step(event: FollowEvent, afterMs = 0): FollowStep {
      now += afterMs;
      const step = nextFollow(state, event, { now, random });
      ({ state, effects } = step);
      return step;
    },
    /** Lets time pass until the machine wants to be woken. */
    tick(): FollowStep {
      const due = followDeadline(state);
      expect(due).toBeDefined();
      return this.step({ type: "tick" }, Math.max(0, due! - now));
    },
    waitMs: (): number => (followDeadline(state) ?? 0) - now,
  };
}

function attached(random = 0) {
  const run = follower(random);
  run.step({ type: "follow" });
  run.step({ type: "opened" });
  return run;
}

const pieces = fc.array(
  fc.record({
    c: fc.constantFrom("t" as const, "r" as const),
    t: fc.string({ minLength: 1, maxLength: 8, unit: "grapheme" }),
  }),
  { maxLength: 25 },
);

/** What the network does to a connection: how many frames arrive, and how it goes wrong then. */
const mishap = fc.record({
  take: fc.nat(8),
  batch: fc.integer({ min: 1, max: 5 }),
  fault: fc.constantFrom("cut", "wake", "drop", "repeat", "swap", "bye", "snap", "stale", "silence"),
});
type Mishap = typeof mishap extends fc.Arbitrary<infer T> ? T : never;

/** The frames one connection carries after a cursor, with the fault in them. */
function carried(log: readonly RunEvent[], after: number, { take, fault }: Mishap): RunEvent[] {
  const rest = log.slice(after);
  const frames = rest.slice(0, take);
  switch (fault) {
    case "drop":
      return [...frames, ...rest.slice(take + 1, take + 3)];
    case "repeat":
      return [...frames, ...log.slice(Math.max(0, after - 2), after + take)];
    case "swap":
      return frames.toReversed();
    case "bye":
      return [...frames, { type: "bye", seq: undefined, reason: "drain" }];
    case "snap": {
      const { seq, text: t, reasoning: r, state } = snapshotOf(log, Math.min(log.length, after + take));
      return [{ type: "snap", seq, ch: { t, r }, state }, ...log.slice(seq, seq + 2)];
    }
    case "cut":
    case "wake":
    case "stale":
    case "silence":
      return frames;
  }
}

function answer(run: ReturnType<typeof follower>, log: readonly RunEvent[], luck: Mishap): void {
  const request = run.effects().find(({ type }) => type !== "detach");
  if (request?.type === "read-snapshot") {
    // A snapshot may be older than what another connection already showed.
    const seq = luck.fault === "stale" ? Math.max(0, log.length - luck.take) : log.length - (luck.take % 2);
    run.step({ type: "snapshot", snapshot: snapshotOf(log, seq) });
    return;
  }
  if (request?.type !== "attach") return;
  if (request.after >= log.length) return void run.step({ type: "answered", status: 204 });
  const frames = carried(log, request.after, luck);
  if (request.via === "poll") return void run.step({ type: "polled", events: frames });
  run.step({ type: "opened" });
  for (let i = 0; i < frames.length; i += luck.batch) {
    run.step({ type: "received", events: frames.slice(i, i + luck.batch) }, 10);
  }
  if (followDeadline(run.state()) === undefined) return;
  if (luck.fault === "wake") run.step({ type: "wake" });
  else if (luck.fault === "silence") run.tick();
  else run.step({ type: "closed" });
}

describe("following a run", () => {
  test("P2: any sequence of cuts, gaps, repeats, swaps and snapshots ends in the very same text", () => {
    fc.assert(
      fc.property(pieces, fc.array(mishap, { maxLength: 30 }), (said, lucks) => {
        const log = logOf(said);
        const run = follower(0.5);
        run.step({ type: "follow" });
        const calm: Mishap = { take: log.length, batch: 3, fault: "cut" };
        for (const luck of [...lucks, ...Array.from({ length: 12 }, () => calm)]) {
          if (run.state().connection.type === "finished") break;
          if (run.state().connection.type === "waiting") run.tick();
          answer(run, log, luck);
          const { intact, run: known } = run.state();
          // Frames of two channels in the wrong order look right until the next offset or the end says otherwise.
          const ordered = lucks.every(({ fault }) => fault !== "swap" && fault !== "drop");
          expect(!intact || !ordered || known.text === textOf(log, "t", known.frame)).toBe(true);
        }
        expect(run.state().connection.type).toBe("finished");
        expect(run.live()).toMatchObject({
          status: "completed",
          text: textOf(log, "t", log.length),
          reasoning: textOf(log, "r", log.length),
        });
        expect(run.step({ type: "wake" }).effects).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  test("a frame that was seen before changes nothing", () => {
    const run = attached();
    run.step({ type: "received", events: [started, text(2, 0, "Hello")] });
    const before = run.state().run;
    run.step({ type: "received", events: [text(2, 0, "Hello"), started] });
    expect(run.state().run).toBe(before);
  });

  test("a catch-up batch is one change of state", () => {
    const run = attached();
    const { state } = run.step({ type: "received", events: [started, text(2, 0, "a"), text(5, 1, "bcd")] });
    expect(state.run).toMatchObject({ text: "abcd", frame: 5, status: "streaming" });
  });

  test("text that does not begin where the channel ends is not shown; the snapshot is asked for", () => {
    const run = attached();
    const { effects } = run.step({ type: "received", events: [started, text(2, 0, "a"), text(4, 3, "d")] });
    expect(effects).toEqual([{ type: "detach" }, { type: "read-snapshot" }]);
    expect(run.live()?.text).toBe("a");
  });

  test("an end whose lengths differ from what is here proves a gap", () => {
    const run = attached();
    run.step({ type: "received", events: [started, text(2, 0, "a")] });
    run.step({ type: "received", events: [{ type: "end", seq: 4, state: "completed", len: { t: 2, r: 0 } }] });
    expect(run.state().connection.type).toBe("healing");
  });

  test("a second gap waits before it asks again, so two bugs make no busy loop", () => {
    const run = attached();
    run.step({ type: "received", events: [text(2, 9, "x")] });
    run.step({ type: "snapshot", snapshot: snapshotOf([started], 0) });
    run.step({ type: "opened" });
    run.step({ type: "received", events: [text(2, 9, "x")] });
    expect(run.state().connection.type).toBe("waiting");
    expect(run.waitMs()).toBeGreaterThan(0);
    expect(run.tick().effects).toContainEqual({ type: "read-snapshot" });
  });

  test("waits grow 0, 0.5, 1, 2, 4, 8, 15, 15 s, and a wake-up starts over", () => {
    const run = follower(0.999_999);
    run.step({ type: "follow" });
    const waits = Array.from({ length: 8 }, () => {
      run.step({ type: "closed" });
      const wait = run.waitMs();
      run.tick();
      return wait;
    });
    expect(waits).toEqual([0, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
    run.step({ type: "wake" });
    run.step({ type: "closed" });
    expect(run.waitMs()).toBe(0);
  });

  test("new frames make the next failure the first again; heartbeats do not", () => {
    const run = attached();
    run.step({ type: "closed" });
    run.tick();
    run.step({ type: "opened" });
    run.step({ type: "received", events: [] });
    expect(run.state().failures).toBe(1);
    run.step({ type: "received", events: [started] });
    expect(run.state().failures).toBe(0);
  });

  test("a wake-up does not trust the open stream", () => {
    const run = attached();
    run.step({ type: "received", events: [started, text(2, 0, "a")] });
    expect(run.step({ type: "wake" }).effects).toEqual([
      { type: "detach" },
      { type: "attach", after: 2, via: "stream" },
    ]);
  });

  test("35 s without a byte is a dead stream; a heartbeat is a byte", () => {
    const run = attached();
    run.step({ type: "received", events: [started] });
    run.step({ type: "received", events: [] }, 30_000);
    expect(run.waitMs()).toBe(35_000);
    expect(run.tick().effects).toContainEqual({ type: "attach", after: 1, via: "stream" });
  });

  test("no byte within 5 s of the headers: long polls from then on", () => {
    const run = attached();
    expect(run.waitMs()).toBe(5000);
    expect(run.tick().effects).toContainEqual({ type: "attach", after: 0, via: "poll" });
    run.step({ type: "polled", events: [started, text(2, 0, "a")] });
    expect(run.live()?.text).toBe("a");
    expect(run.tick().effects).toContainEqual({ type: "attach", after: 2, via: "poll" });
  });

  test("bye: back within a quarter of a second", () => {
    const run = attached(0.9);
    run.step({ type: "received", events: [started, { type: "bye", seq: undefined, reason: "drain" }] });
    expect(run.waitMs()).toBeLessThanOrEqual(250);
  });

  test.each([404, 410])("%i: the document is the truth", (status) => {
    const run = attached();
    run.step({ type: "received", events: [started, text(2, 0, "a")] });
    run.step({ type: "answered", status });
    expect(run.live()).toBeUndefined();
    expect(followDeadline(run.state())).toBeUndefined();
    expect(run.step({ type: "wake" }).effects).toEqual([]);
  });

  test("pause freezes what is shown while frames are applied; resume shows all in one step", () => {
    const run = attached();
    run.step({ type: "received", events: [started, text(2, 0, "a")] });
    run.step({ type: "pause" });
    run.step({ type: "received", events: [text(3, 1, "b")] });
    run.step({ type: "received", events: [{ type: "end", seq: 4, state: "completed", len: { t: 2, r: 0 } }] });
    expect(run.live()).toMatchObject({ text: "a", frame: 2, paused: true, status: "streaming" });
    run.step({ type: "resume" });
    expect(run.live()).toMatchObject({ text: "ab", frame: 4, paused: false, status: "completed" });
  });

  test("stop shows 'stopping' at once, ends a pause, and gives way to what the server says", () => {
    const run = attached();
    run.step({ type: "received", events: [started, text(2, 0, "a")] });
    run.step({ type: "pause" });
    run.step({ type: "stop" });
    expect(run.live()).toMatchObject({ status: "stopping", paused: false });
    run.step({ type: "received", events: [{ type: "end", seq: 3, state: "stopped", len: { t: 1, r: 0 } }] });
    expect(run.live()).toMatchObject({ status: "stopped", text: "a" });
  });

  test("what the provider makes us wait for is shown until text comes", () => {
    const run = attached();
    run.step({
      type: "received",
      events: [started, { type: "retry", seq: undefined, class: "rate", at: 9, n: 1, max: 3 }],
    });
    expect(run.live()?.waiting).toEqual({ type: "retry", at: 9, attempt: 1, of: 3 });
    run.step({ type: "received", events: [text(2, 0, "a")] });
    expect(run.live()?.waiting).toBeUndefined();
  });
});
