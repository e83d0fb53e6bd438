import { isTerminal } from "#shared/domain/run.ts";
import type { RunSnapshot } from "#shared/protocol/run-bodies.ts";
import type { RunEvent } from "#shared/protocol/run-events.ts";
import { applyRunEvent, runOfSnapshot, unknownRun } from "./followed-run.ts";
import type { FollowedRun } from "./followed-run.ts";
import type { LiveRun } from "./runs.ts";

/** Waits before attaching again, in ms, by failures since the last new frame. */
const REATTACH_MS = [0, 500, 1000, 2000, 4000, 8000, 15_000] as const;
/** A connection without a byte for this long is dead, whatever it says; the server's heartbeat is 15 s. */
const SILENCE_MS = 35_000;
/** No byte this long after the headers: a proxy keeps the stream back. */
const FIRST_BYTE_MS = 5000;
const SNAPSHOT_MS = 15_000;
/** The server asks everyone to come back at once, but not in the same millisecond. */
const BYE_SPREAD_MS = 250;
/** Long polls that answer nothing, at once, are not asked more often than this. */
const POLL_PAUSE_MS = 1000;

export type FollowConnection =
  | { type: "detached" }
  /** asked for; no headers yet */
  | { type: "attaching"; since: number }
  | { type: "attached"; since: number; lastByteAt: number | undefined }
  /** between two tries */
  | { type: "waiting"; until: number }
  /** asks for the whole run */
  | { type: "healing"; since: number }
  /** everything is here: never attach again */
  | { type: "finished" }
  /** the server has no log of it: the document is the truth */
  | { type: "lost" };

/** One run as it is followed. */
export interface FollowState {
  connection: FollowConnection;
  run: FollowedRun;
  /** false after a gap: what is here may be shown, but only a snapshot may follow it */
  intact: boolean;
  transport: "stream" | "poll";
  /** failures since the last new frame */
  failures: number;
  /** snapshots asked for because of gaps, over the follower's life */
  heals: number;
  stopRequested: boolean;
  /** what the reader saw when they paused */
  frozen: FollowedRun | undefined;
}

export type FollowEvent =
  | { type: "follow" }
  | { type: "leave" }
  /** the answer that started the run is a stream, and is read from now on */
  | { type: "adopted" }
  /** headers of a stream came */
  | { type: "opened" }
  /** bytes came, with the events they completed, perhaps none */
  | { type: "received"; events: readonly RunEvent[] }
  | { type: "polled"; events: readonly RunEvent[] }
  /** the transport ended or failed, for whatever reason */
  | { type: "closed" }
  /** an answer other than 200 */
  | { type: "answered"; status: number }
  | { type: "snapshot"; snapshot: RunSnapshot }
  | { type: "wake" }
  /** the time of `followDeadline` came */
  | { type: "tick" }
  | { type: "pause" }
  | { type: "resume" }
  | { type: "stop" };

/** When an event happened, and chance for the waits it leads to. */
export interface Moment {
  /** ms by a clock that nobody sets */
  now: number;
  /** in [0, 1) */
  random: number;
}

/** What the shell carries out, in order. `detach` ends whatever request is open. */
export type FollowEffect =
  | { type: "attach"; after: number; via: "stream" | "poll" }
  | { type: "detach" }
  | { type: "read-snapshot" };

export interface FollowStep {
  state: FollowState;
  effects: readonly FollowEffect[];
}

export const newFollow: FollowState = {
  connection: { type: "detached" },
  run: unknownRun,
  intact: true,
  transport: "stream",
  failures: 0,
  heals: 0,
  stopRequested: false,
  frozen: undefined,
};

/** The next state of a follower, and what to do about it. Finished and lost followers attach no more. */
export function nextFollow(state: FollowState, event: FollowEvent, at: Moment): FollowStep {
  switch (event.type) {
    case "pause":
      return stay(state.frozen ? state : { ...state, frozen: state.run });
    case "resume":
      return stay({ ...state, frozen: undefined });
    case "stop":
      return stay({ ...state, stopRequested: true, frozen: undefined });
    case "follow":
      // A new reader asks again for a lost run: it may have been started since.
      return state.connection.type === "detached" || state.connection.type === "lost" ? attach(state, at) : stay(state);
    case "adopted":
      return adopt(state, at);
    case "leave":
      return isOver(state) ? stay(state) : detached(state, { type: "detached" });
    case "wake":
      return isOver(state) || state.connection.type === "detached"
        ? stay(state)
        : attach({ ...state, failures: 0 }, at);
    case "snapshot":
      return takeSnapshot(state, event.snapshot, at);
    case "tick":
      return onTick(state, at);
    case "opened":
    case "received":
    case "polled":
    case "closed":
    case "answered":
      return isConnected(state) ? onTransport(state, event, at) : stay(state);
  }
}

/** When a `tick` is due, in ms since 1970; `undefined` while only other events matter. */
export function followDeadline({ connection }: FollowState): number | undefined {
  switch (connection.type) {
    case "attaching":
      return connection.since + SILENCE_MS;
    case "attached":
      return connection.lastByteAt === undefined
        ? connection.since + FIRST_BYTE_MS
        : connection.lastByteAt + SILENCE_MS;
    case "waiting":
      return connection.until;
    case "healing":
      return connection.since + SNAPSHOT_MS;
    case "detached":
    case "finished":
    case "lost":
      return undefined;
  }
}

/** What the reader is shown: the run as it is, or as it was when they paused. `undefined` while the document knows better. */
export function liveRunOf(state: FollowState): LiveRun | undefined {
  if (state.connection.type === "lost") return undefined;
  const run = state.frozen ?? state.run;
  if (run.status === undefined && !state.stopRequested && !state.frozen) return undefined;
  const status = run.status ?? "queued";
  return {
    status: state.stopRequested && !isTerminal(status) ? "stopping" : status,
    text: run.text,
    reasoning: run.reasoning,
    frame: run.frame,
    paused: state.frozen !== undefined,
    waiting: run.waiting,
    failure: run.failure,
  };
}

type TransportEvent = Extract<FollowEvent, { type: "opened" | "received" | "polled" | "closed" | "answered" }>;

const stay = (state: FollowState): FollowStep => ({ state, effects: [] });
/** Whether it will attach no more by itself. */
export const isOver = ({ connection }: FollowState): boolean =>
  connection.type === "finished" || connection.type === "lost";
const isConnected = ({ connection: { type } }: FollowState): boolean =>
  type === "attaching" || type === "attached" || type === "healing";

const detached = (state: FollowState, connection: FollowConnection): FollowStep => ({
  state: { ...state, connection },
  effects: [{ type: "detach" }],
});

/** Starts over on a new connection: from the last frame, or by a snapshot where the text is not whole. */
function attach(state: FollowState, { now }: Moment): FollowStep {
  if (!state.intact) {
    return {
      state: { ...state, connection: { type: "healing", since: now } },
      effects: [{ type: "detach" }, { type: "read-snapshot" }],
    };
  }
  return {
    state: { ...state, connection: { type: "attaching", since: now } },
    effects: [{ type: "detach" }, { type: "attach", after: state.run.frame, via: state.transport }],
  };
}

function adopt(state: FollowState, { now }: Moment): FollowStep {
  if (state.connection.type === "finished") return detached(state, state.connection);
  return stay({ ...state, connection: { type: "attached", since: now, lastByteAt: undefined } });
}

function onTick(state: FollowState, at: Moment): FollowStep {
  const deadline = followDeadline(state);
  if (deadline === undefined || at.now < deadline) return stay(state);
  const { connection } = state;
  if (connection.type === "waiting") return attach(state, at);
  if (connection.type !== "attached") return fail(state, at);
  return attach(connection.lastByteAt === undefined ? { ...state, transport: "poll" } : state, at);
}

function onTransport(state: FollowState, event: TransportEvent, at: Moment): FollowStep {
  switch (event.type) {
    case "opened":
      return stay({ ...state, connection: { type: "attached", since: at.now, lastByteAt: undefined } });
    case "received":
      return receive(state, event.events, at);
    case "polled":
      return poll(state, event.events, at);
    case "closed":
      return fail(state, at);
    case "answered":
      return onStatus(state, event.status, at);
  }
}

function onStatus(state: FollowState, status: number, at: Moment): FollowStep {
  if (status === 404 || status === 410) return detached(state, { type: "lost" });
  // 204: nothing after this frame, ever. How the run ended is in the snapshot.
  if (status === 204) return heal(state, at);
  return fail(state, at);
}

/** Waits, longer each time nothing new came in between. */
function fail(state: FollowState, at: Moment): FollowStep {
  const longest = REATTACH_MS[Math.min(state.failures, REATTACH_MS.length - 1)] ?? 0;
  const until = at.now + Math.round(longest * (0.5 + at.random / 2));
  return detached({ ...state, failures: state.failures + 1 }, { type: "waiting", until });
}

/** Asks for the whole run: at once the first time, then with growing waits, so that two bugs cannot make a busy loop. */
function heal(state: FollowState, at: Moment): FollowStep {
  const hurt = { ...state, intact: false, heals: state.heals + 1 };
  return state.heals === 0 ? attach(hurt, at) : fail({ ...hurt, failures: Math.max(state.failures, state.heals) }, at);
}

function takeSnapshot(state: FollowState, snapshot: RunSnapshot, at: Moment): FollowStep {
  if (state.connection.type !== "healing") return stay(state);
  const healed = { ...state, run: runOfSnapshot(snapshot), intact: true };
  return isTerminal(snapshot.state) ? detached(healed, { type: "finished" }) : attach(healed, at);
}

interface Batch {
  run: FollowedRun;
  outcome: "open" | "gap" | "bye" | "ended";
}

/** Applies events in order up to the first that breaks the line. */
function applyBatch(before: FollowedRun, events: readonly RunEvent[]): Batch {
  let run = before;
  for (const event of events) {
    const result = applyRunEvent(run, event);
    if (result.type !== "applied") return { run, outcome: result.type };
    run = result.run;
  }
  return { run, outcome: run.status !== undefined && isTerminal(run.status) ? "ended" : "open" };
}

function receive(state: FollowState, events: readonly RunEvent[], at: Moment): FollowStep {
  const { connection } = state;
  if (connection.type !== "attached") return stay(state);
  const { run, outcome } = applyBatch(state.run, events);
  const failures = run.frame > state.run.frame ? 0 : state.failures;
  const next = { ...state, run, failures, connection: { ...connection, lastByteAt: at.now } };
  return settle(next, outcome, at) ?? stay(next);
}

function poll(state: FollowState, events: readonly RunEvent[], at: Moment): FollowStep {
  if (state.connection.type === "healing" || !("since" in state.connection)) return stay(state);
  const { run, outcome } = applyBatch(state.run, events);
  const fresh = run.frame > state.run.frame;
  const next = { ...state, run, failures: fresh ? 0 : state.failures };
  const until = fresh ? at.now : Math.max(at.now, state.connection.since + POLL_PAUSE_MS);
  return settle(next, outcome, at) ?? detached(next, { type: "waiting", until });
}

function settle(state: FollowState, outcome: Batch["outcome"], at: Moment): FollowStep | undefined {
  switch (outcome) {
    case "open":
      return undefined;
    case "ended":
      return detached(state, { type: "finished" });
    case "gap":
      return heal(state, at);
    case "bye": {
      if (state.failures > 0) return fail(state, at);
      const until = at.now + Math.round(at.random * BYE_SPREAD_MS);
      return detached({ ...state, failures: 1 }, { type: "waiting", until });
    }
  }
}
