import type { FinishReason, RunFailure, RunFailureCode, TerminalRunStatus } from "#shared/domain/run.ts";
import { CODE_OF_CLASS } from "./failure-classes.ts";
import type { FailureClass, ProviderFailure } from "./failure-classes.ts";
import { NO_TRIES, decideRetry } from "./retry-policy.ts";
import type { Tries } from "./retry-policy.ts";

/** A run as its one writer sees it. Nothing leaves the four terminal states. */
export type Run =
  | { status: "queued"; carried: boolean }
  | {
      status: "streaming";
      /** whether the text begins with that of a run this one carries on */
      carried: boolean;
      attempt: number;
      /** `waiting`: between two attempts, no call is open */
      phase: "calling" | "waiting";
      /** whether this run appended anything of its own */
      produced: boolean;
      finish: FinishReason | undefined;
      tries: Tries;
    }
  | { status: "stopping"; attempt: number }
  | ({ status: TerminalRunStatus; attempt: number } & Ending);

export interface Ending {
  finish?: FinishReason | undefined;
  failure?: RunFailure | undefined;
}

export type RunInput =
  /** the provider has room for this run */
  | { type: "admitted" }
  | { type: "not-admitted" }
  | { type: "produced" }
  | { type: "finished"; finish: FinishReason }
  /** the call is over. `closed`: `[DONE]` was seen */
  | { type: "call-ended"; closed: boolean; failure: ProviderFailure | undefined }
  | { type: "retry-due" }
  | { type: "stop" }
  /** whoever runs the server ends the run */
  | { type: "interrupt"; code: RunFailureCode }
  /** the abort of a stopping run is through, or took too long */
  | { type: "stopped" };

export type RunEffect =
  | { type: "call"; attempt: number }
  | { type: "wait"; at: number; n: number; max: number; class: FailureClass }
  /** aborts the open call; its end is not waited for */
  | { type: "abort" }
  /** books an attempt that ended without ending the run */
  | { type: "book"; attempt: number; failure: ProviderFailure }
  | { type: "end" };

export interface RunStep {
  run: Run;
  effects: readonly RunEffect[];
}

export const createRun = (carried: boolean): Run => ({ status: "queued", carried });

/**
 * The next state of a run and what its writer has to do. Events that mean nothing in a state change nothing;
 * terminal states absorb all.
 * @param now ms since 1970
 * @param random a number in [0, 1), for the back-off
 */
export function nextRun(run: Run, event: RunInput, now: number, random: number): RunStep {
  switch (run.status) {
    case "queued":
      return nextQueued(run, event);
    case "streaming":
      return nextStreaming(run, event, now, random);
    case "stopping":
      return event.type === "stopped" || event.type === "call-ended" ? end(run, "stopped", {}) : unchanged(run);
    case "completed":
    case "stopped":
    case "failed":
    case "interrupted":
      return unchanged(run);
  }
}

type Queued = Extract<Run, { status: "queued" }>;
type Streaming = Extract<Run, { status: "streaming" }>;

const unchanged = (run: Run): RunStep => ({ run, effects: [] });

function end(run: Run, status: TerminalRunStatus, ending: Ending): RunStep {
  const attempt = "attempt" in run ? run.attempt : 0;
  return { run: { status, attempt, ...ending }, effects: [{ type: "end" }] };
}

function nextQueued(run: Queued, event: RunInput): RunStep {
  if (event.type === "admitted") {
    const { carried } = run;
    const next = {
      status: "streaming",
      carried,
      attempt: 1,
      phase: "calling",
      produced: false,
      finish: undefined,
      tries: NO_TRIES,
    } as const;
    return { run: next, effects: [{ type: "call", attempt: 1 }] };
  }
  if (event.type === "not-admitted") return end(run, "failed", { failure: { code: "overloaded", retryable: true } });
  if (event.type === "stop") return end(run, "stopped", {});
  if (event.type === "interrupt") return end(run, "interrupted", { failure: { code: event.code, retryable: true } });
  return unchanged(run);
}

function nextStreaming(run: Streaming, event: RunInput, now: number, random: number): RunStep {
  switch (event.type) {
    case "produced":
      return run.produced || run.phase === "waiting"
        ? unchanged(run)
        : { run: { ...run, produced: true }, effects: [] };
    case "finished":
      return { run: { ...run, finish: event.finish }, effects: [] };
    case "call-ended":
      return nextAfterCall(run, event, now, random);
    case "retry-due": {
      if (run.phase !== "waiting") return unchanged(run);
      const attempt = run.attempt + 1;
      return { run: { ...run, attempt, phase: "calling", finish: undefined }, effects: [{ type: "call", attempt }] };
    }
    case "stop":
      if (run.phase === "waiting") return end(run, "stopped", {});
      return { run: { status: "stopping", attempt: run.attempt }, effects: [{ type: "abort" }] };
    case "interrupt": {
      const ended = end(run, "interrupted", { failure: { code: event.code, retryable: true } });
      return run.phase === "waiting" ? ended : { ...ended, effects: [{ type: "abort" }, ...ended.effects] };
    }
    case "admitted":
    case "not-admitted":
    case "stopped":
      return unchanged(run);
  }
}

function nextAfterCall(
  run: Streaming,
  { closed, failure }: Extract<RunInput, { type: "call-ended" }>,
  now: number,
  random: number,
): RunStep {
  if (run.phase !== "calling") return unchanged(run);
  // Some servers send one of `[DONE]` and finish_reason only; an end with neither is a cut.
  const whole = failure === undefined && (closed || run.finish !== undefined);
  return whole ? complete(run) : nextAfterFailure(run, failure ?? { class: "cut" }, now, random);
}

function complete(run: Streaming): RunStep {
  if (run.finish === "content_filter" && !run.produced) return fail(run, { class: "filtered" }, undefined);
  return end(run, "completed", { finish: run.finish ?? "stop" });
}

function nextAfterFailure(run: Streaming, cause: ProviderFailure, now: number, random: number): RunStep {
  if (run.produced) return fail(run, cause, cause.retryAfterMs === undefined ? undefined : now + cause.retryAfterMs);
  const decision = decideRetry(cause, run.tries, now, random);
  if (decision.type === "give-up") return fail(run, cause, decision.retryAt);
  const { at, n, max, tries } = decision;
  return {
    run: { ...run, phase: "waiting", tries },
    effects: [
      { type: "book", attempt: run.attempt, failure: cause },
      { type: "wait", at, n, max, class: cause.class },
    ],
  };
}

/** What people can already read is kept and may be continued; with nothing to read the run just failed. */
function fail(run: Streaming, cause: ProviderFailure, retryAt: number | undefined): RunStep {
  const { code, retryable } = CODE_OF_CLASS[cause.class];
  const failure: RunFailure = retryAt === undefined ? { code, retryable } : { code, retryable, retryAt };
  if (cause.class === "filtered" && run.produced) return end(run, "completed", { finish: "content_filter" });
  return end(run, run.produced || run.carried ? "interrupted" : "failed", { failure });
}
