import type { LiveRun } from "#client/runs/runs.ts";
import type { AssistantMessage } from "#shared/domain/message.ts";
import { isTerminal } from "#shared/domain/run.ts";
import type { RunFacts, RunFailure, RunStatus } from "#shared/domain/run.ts";

/** How an answer ended, as far as a reader needs to know. */
export type Ending =
  | { type: "whole" }
  | { type: "stopped" }
  | { type: "length" }
  | { type: "interrupted"; failure: RunFailure | undefined }
  /** `waitMs`: how long the server said to wait from then on */
  | { type: "failed"; failure: RunFailure | undefined; waitMs: number };

/** What is shown of an answer. */
export type AnswerView =
  | {
      phase: "writing";
      text: string;
      reasoning: string;
      paused: boolean;
      stopping: boolean;
      waiting: LiveRun["waiting"];
    }
  | { phase: "ended"; text: string; reasoning: string; ending: Ending };

/**
 * Puts the stored answer and the followed run together. The document is the truth once its run is over; until then
 * whichever has more is shown, except that a paused reader sees what the pause froze.
 */
export function answerView(message: AssistantMessage | undefined, live: LiveRun | undefined): AnswerView {
  const status = runStatus(message?.run, live);
  const shown = shownText(message ?? { text: "", reasoning: "" }, live, message?.run);
  if (status !== undefined && (!isTerminal(status) || live?.paused)) {
    const { paused = false, waiting } = live ?? {};
    return { phase: "writing", ...shown, paused, stopping: status === "stopping", waiting };
  }
  return { phase: "ended", ...shown, ending: endingOf(status, message?.run, live) };
}

/** The status that holds: a terminal one wins over one that lags behind. */
export function runStatus(run: RunFacts | undefined, live: LiveRun | undefined): RunStatus | undefined {
  if (run && isTerminal(run.status)) return run.status;
  return live?.status ?? run?.status;
}

function shownText(stored: { text: string; reasoning: string }, live: LiveRun | undefined, run: RunFacts | undefined) {
  if (!live) return { text: stored.text, reasoning: stored.reasoning };
  if (live.paused) return { text: live.text, reasoning: live.reasoning };
  if (run && isTerminal(run.status)) return { text: stored.text, reasoning: stored.reasoning };
  return {
    text: live.text.length >= stored.text.length ? live.text : stored.text,
    reasoning: live.reasoning.length >= stored.reasoning.length ? live.reasoning : stored.reasoning,
  };
}

function endingOf(status: RunStatus | undefined, run: RunFacts | undefined, live: LiveRun | undefined): Ending {
  const failure = run?.failure ?? live?.failure;
  switch (status) {
    case "stopped":
      return { type: "stopped" };
    case "interrupted":
      return { type: "interrupted", failure };
    case "failed":
      return { type: "failed", failure, waitMs: waitOf(failure, run?.endedAt) };
    case "completed":
    case "queued":
    case "streaming":
    case "stopping":
    case undefined:
      return run?.finish === "length" ? { type: "length" } : { type: "whole" };
  }
}

/** Both times are the server's: a device whose clock is wrong waits no longer than others. */
const waitOf = (failure: RunFailure | undefined, endedAt: number | undefined): number =>
  failure?.retryAt === undefined || endedAt === undefined ? 0 : Math.max(0, failure.retryAt - endedAt);

/** Words of a text as a person counts them. */
export const countWords = (text: string): number => text.match(/[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu)?.length ?? 0;
