import type { RunFailure, RunStatus } from "#shared/domain/run.ts";
import { isTerminal } from "#shared/domain/run.ts";
import type { RunSnapshot } from "#shared/protocol/run-bodies.ts";
import type { RunEvent } from "#shared/protocol/run-events.ts";
import type { LiveRun } from "./runs.ts";

/** What a follower has of a run: whole channels from offset 0, up to a frame of the log. */
export interface FollowedRun {
  /** `undefined` until the server said anything */
  status: RunStatus | undefined;
  text: string;
  reasoning: string;
  /** the last frame of the log that is in the channels; 0 before the first */
  frame: number;
  waiting: LiveRun["waiting"];
  failure: RunFailure | undefined;
}

export const unknownRun: FollowedRun = {
  status: undefined,
  text: "",
  reasoning: "",
  frame: 0,
  waiting: undefined,
  failure: undefined,
};

/** What one event did to a run. */
export type Applied =
  | { type: "applied"; run: FollowedRun }
  /** the frame before this one is missing, or this one is not what it says: only a snapshot helps */
  | { type: "gap" }
  /** the server goes away */
  | { type: "bye" };

/**
 * Applies one event. A frame that is already in the channels changes nothing; a text frame that does not
 * begin where its channel ends, or an end whose lengths differ from what is here, is a gap. A run that ended stays as it is.
 */
export function applyRunEvent(run: FollowedRun, event: RunEvent): Applied {
  if (run.status !== undefined && isTerminal(run.status)) return { type: "applied", run };
  switch (event.type) {
    case "s":
    case "d":
    case "end":
      if (event.seq === undefined || event.seq < 1) return { type: "gap" };
      if (event.seq <= run.frame) return { type: "applied", run };
      return applyFrame({ ...run, frame: event.seq, waiting: undefined }, event);
    case "snap":
      return applied({ ...run, ...channelsOf(event), frame: event.seq, waiting: undefined, status: statusOf(event) });
    case "retry":
      return applied({ ...run, waiting: { type: "retry", at: event.at, attempt: event.n, of: event.max } });
    case "stall":
      return applied({ ...run, waiting: { type: "stall", ms: event.ms } });
    case "bye":
      return { type: "bye" };
  }
}

/** Replaces everything by the server's answer about the run. */
export const runOfSnapshot = (snapshot: RunSnapshot): FollowedRun => ({
  status: snapshot.state,
  text: snapshot.text,
  reasoning: snapshot.reasoning,
  frame: snapshot.seq,
  waiting: undefined,
  failure: snapshot.failure,
});

const applied = (run: FollowedRun): Applied => ({ type: "applied", run });

function applyFrame(run: FollowedRun, event: Extract<RunEvent, { type: "s" | "d" | "end" }>): Applied {
  switch (event.type) {
    case "s":
      return applied({ ...run, status: event.state });
    case "d": {
      const channel = event.c === "t" ? "text" : "reasoning";
      if (event.o !== run[channel].length) return { type: "gap" };
      const status = run.status === "stopping" ? "stopping" : "streaming";
      return applied({ ...run, status, [channel]: run[channel] + event.t });
    }
    case "end": {
      const whole = event.len.t === run.text.length && event.len.r === run.reasoning.length;
      return whole ? applied({ ...run, status: event.state, failure: event.failure }) : { type: "gap" };
    }
  }
}

/** A run is over for its follower when the last frame or the snapshot of the API says so: a `snap` has no failure in it. */
const statusOf = ({ state }: Extract<RunEvent, { type: "snap" }>): RunStatus =>
  isTerminal(state) ? "streaming" : state;

const channelsOf = (event: Extract<RunEvent, { type: "snap" }>) => ({ text: event.ch.t, reasoning: event.ch.r });
