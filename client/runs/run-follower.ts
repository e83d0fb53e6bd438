import type { Platform } from "#client/platform/platform.ts";
import { parseRunEvent } from "#shared/protocol/run-events.ts";
import { followDeadline, newFollow, nextFollow } from "./run-follow-state.ts";
import type { FollowEffect, FollowEvent, FollowState } from "./run-follow-state.ts";
import { openRunEvents, pollRunEvents, readRun } from "./run-requests.ts";
import type { ByteStream } from "./run-requests.ts";
import { createSseReader } from "./sse-reader.ts";

/** Its clock is one that nobody sets. */
export type FollowerPlatform = Pick<Platform, "clock" | "random" | "fetch" | "connectivity">;

export interface RunFollower {
  state(): FollowState;
  dispatch(event: FollowEvent): void;
  /** Reads on from the stream that started the run; it replaces whatever was open. */
  adopt(stream: ByteStream): void;
}

/**
 * Follows one run: carries out what `nextFollow` decides. Ends with the signal.
 * @param onChange called after each step that changed the state
 */
export function openRunFollower(
  platform: FollowerPlatform,
  runId: string,
  onChange: () => void,
  signal: AbortSignal,
): RunFollower {
  const { clock, fetch } = platform;
  let state = newFollow;
  let connection = new AbortController();
  let timer: { at: number; cancel: () => void } | undefined;

  function dispatch(event: FollowEvent): void {
    if (signal.aborted) return;
    const before = state;
    const step = nextFollow(state, event, { now: clock.now(), random: platform.random() });
    state = step.state;
    for (const effect of step.effects) carryOut(effect);
    armTimer();
    if (state !== before) onChange();
  }

  /** A timer that rings too early costs one empty tick; so bytes, which only move it back, never re-arm it. */
  function armTimer(): void {
    const due = followDeadline(state);
    if (timer && due !== undefined && timer.at <= due) return;
    timer?.cancel();
    timer = undefined;
    if (due === undefined) return;
    const cancel = clock.after(due - clock.now(), () => {
      timer = undefined;
      dispatch({ type: "tick" });
    });
    timer = { at: due, cancel };
  }

  /** Runs one request; what it reports counts only while no other has replaced it. */
  function connect(work: (own: AbortSignal, report: (event: FollowEvent) => void) => Promise<void>): void {
    const own = connection.signal;
    const report = (event: FollowEvent): void => {
      if (!own.aborted) dispatch(event);
    };
    // Every failure of a transport means the same to a follower: try again.
    work(own, report).catch(() => report({ type: "closed" }));
  }

  function carryOut(effect: FollowEffect): void {
    switch (effect.type) {
      case "detach":
        connection.abort();
        connection = new AbortController();
        return;
      case "attach":
        return effect.via === "stream" ? attachStream(effect.after) : attachPoll(effect.after);
      case "read-snapshot":
        return connect(async (own, report) => {
          const answer = await readRun(fetch, runId, own);
          report("snapshot" in answer ? { type: "snapshot", ...answer } : { type: "answered", ...answer });
        });
    }
  }

  const attachStream = (after: number): void =>
    connect(async (own, report) => {
      const answer = await openRunEvents(fetch, runId, after, own);
      if ("status" in answer) return report({ type: "answered", ...answer });
      report({ type: "opened" });
      await readEvents(answer.stream, own, report);
    });

  const attachPoll = (after: number): void =>
    connect(async (own, report) => {
      const answer = await pollRunEvents(fetch, runId, after, own);
      report("events" in answer ? { type: "polled", ...answer } : { type: "answered", ...answer });
    });

  const stopWatching = platform.connectivity.onWake(() => dispatch({ type: "wake" }));
  signal.addEventListener(
    "abort",
    () => {
      stopWatching();
      timer?.cancel();
      connection.abort();
    },
    { once: true },
  );

  return {
    state: () => state,
    dispatch,
    adopt(stream) {
      carryOut({ type: "detach" });
      dispatch({ type: "adopted" });
      if (state.connection.type === "attached") connect((own, report) => readEvents(stream, own, report));
      else void stream.cancel();
    },
  };
}

/** Reads a stream to its end; one report for all events of a chunk. The stream is let go when `own` ends. */
async function readEvents(stream: ByteStream, own: AbortSignal, report: (event: FollowEvent) => void): Promise<void> {
  const reader = stream.getReader();
  const parser = createSseReader();
  const letGo = (): void => void reader.cancel().catch(() => undefined);
  own.addEventListener("abort", letGo, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || own.aborted) break;
      const events = parser.push(value).flatMap(({ name, data, id }) => parseRunEvent(name, data, id) ?? []);
      report({ type: "received", events });
    }
  } finally {
    own.removeEventListener("abort", letGo);
    letGo();
  }
  report({ type: "closed" });
}
