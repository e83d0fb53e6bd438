import { useCallback, useEffect, useState } from "react";
import type { Runs } from "#client/runs/runs.ts";
import { sameFields } from "#client/ui/use-watched.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { Message } from "#shared/domain/message.ts";
import { isTerminal } from "#shared/domain/run.ts";
import { runStatus } from "./answer-state.ts";

/** The answer being written in the shown branch, and whether the last prompt has yet to go out. */
export interface BranchActivity {
  /** `ended`: only what the reader froze is left of it */
  active: { runId: string; paused: boolean; stopping: boolean; ended: boolean } | undefined;
  promptWaits: boolean;
}

const IDLE: BranchActivity = { active: undefined, promptWaits: false };

/** Watches what the composer and the announcements need to know; renders again only when that changes. */
export function useBranchActivity(conversation: ConversationDocument, runs: Runs): BranchActivity {
  const [activity, setActivity] = useState<BranchActivity>(IDLE);
  const [candidates, setCandidates] = useState<readonly string[]>([]);
  const read = useCallback(() => {
    const branch = conversation.branch();
    const next = activityOf(branch, conversation, runs);
    setActivity((before) => (sameFields(before, next) ? before : next));
    const ids = unfinishedRuns(branch, conversation, runs);
    setCandidates((before) => (sameFields(before, ids) ? before : ids));
  }, [conversation, runs]);
  useEffect(() => {
    // oxlint-disable-next-line react/set-state-in-effect -- what changed between rendering and watching is told by nobody else
    read();
    const stops = [conversation.subscribe(read), runs.subscribeDeliveries(read)];
    return () => {
      for (const stop of stops) stop();
    };
  }, [conversation, runs, read]);
  useEffect(() => {
    const stops = candidates.map((runId) => runs.follow(runId, read));
    return () => {
      for (const stop of stops) stop();
    };
  }, [candidates, runs, read]);
  return activity;
}

/** Runs of the branch that are not over by the document, and planned ones that may have begun. */
function unfinishedRuns(branch: readonly Message[], conversation: ConversationDocument, runs: Runs): string[] {
  return branch.flatMap((message) => {
    if (message.role === "assistant") {
      const run = message.run;
      return run && (!isTerminal(run.status) || runs.live(run.runId)?.paused) ? [run.runId] : [];
    }
    const planned = message.plannedRun;
    if (!planned || conversation.message(planned.messageId) !== undefined) return [];
    const begun = runs.delivery(planned.runId)?.type === "sending" || runs.live(planned.runId) !== undefined;
    return begun ? [planned.runId] : [];
  });
}

function activityOf(branch: readonly Message[], conversation: ConversationDocument, runs: Runs): BranchActivity {
  return { active: activeOf(branch, conversation, runs), promptWaits: waits(branch.at(-1), conversation, runs) };
}

/** The run that is being written; else an ended one that a reader paused and has yet to resume. */
export function activeOf(
  branch: readonly Message[],
  conversation: ConversationDocument,
  runs: Runs,
): BranchActivity["active"] {
  let frozen: BranchActivity["active"];
  for (const message of branch) {
    const runId = runWrittenFor(message, conversation);
    if (runId === undefined) continue;
    const live = runs.live(runId);
    const status = runStatus(message.role === "assistant" ? message.run : undefined, live);
    const running = status !== undefined && !isTerminal(status);
    const paused = live?.paused === true;
    if (running) return { runId, paused, stopping: status === "stopping", ended: false };
    if (paused) frozen = { runId, paused, stopping: false, ended: true };
  }
  return frozen;
}

/** The run a message stands for. A prompt stands for its plan only until the answer is in the document. */
function runWrittenFor(message: Message, conversation: ConversationDocument): string | undefined {
  if (message.role === "assistant") return message.run?.runId;
  const plan = message.plannedRun;
  return plan && conversation.message(plan.messageId) === undefined ? plan.runId : undefined;
}

function waits(last: Message | undefined, conversation: ConversationDocument, runs: Runs): boolean {
  if (last?.role !== "user" || !last.plannedRun) return false;
  if (conversation.message(last.plannedRun.messageId)) return false;
  const delivery = runs.delivery(last.plannedRun.runId)?.type;
  return delivery === "queued" || delivery === "sending";
}
