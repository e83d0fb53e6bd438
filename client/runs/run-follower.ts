import type { Platform } from "#client/platform/platform.ts";
import { followDeadline, newFollow, nextFollow } from "./run-follow-state.ts";
import type { FollowEffect, FollowEvent, FollowState } from "./run-follow-state.ts";
import { pollRunEvents, readRun } from "./run-requests.ts";
import type { ByteStream } from "./run-requests.ts";
import type { Reading, RunStreams } from "./run-streams.ts";

/** Its clock is one that nobody sets. */
export type FollowerPlatform = Pick<Platform, "clock" | "random" | "fetch" | "connectivity"> & { streams: RunStreams };

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
  const { clock, fetch, streams } = platform;
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
        return effect.via === "stream" ? attachStream() : attachPoll(effect.after);
      case "read-snapshot":
        return connect(async (own, report) => {
          const answer = await readRun(fetch, runId, own);
          report("snapshot" in answer ? { type: "snapshot", ...answer } : { type: "answered", ...answer });
        });
    }
  }

  const readingOf = (own: AbortSignal, report: Reading["report"]): Reading => ({
    runId,
    have: () => state.run,
    own,
    report,
  });

  const attachStream = (): void => connect((own, report) => streams.read(readingOf(own, report)));

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
      if (state.connection.type === "attached") connect((own, report) => streams.adopt(readingOf(own, report), stream));
      else void stream.cancel();
    },
  };
}
