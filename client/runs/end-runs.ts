import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { isTerminal } from "#shared/domain/run.ts";
import type { Runs } from "./runs.ts";

/** Ends what is going on in a conversation that is deleted: withdraws planned runs, stops those being written. */
export function endRuns(
  conversation: Pick<ConversationDocument, "messages" | "message">,
  runs: Pick<Runs, "cancel" | "delivery" | "live" | "stop">,
): void {
  for (const message of conversation.messages()) {
    if (message.role === "assistant") {
      if (message.run && !isTerminal(message.run.status)) runs.stop(message.run.runId);
      continue;
    }
    const planned = message.plannedRun;
    if (!planned || conversation.message(planned.messageId) !== undefined) continue;
    const live = runs.live(planned.runId);
    if (runs.delivery(planned.runId) === undefined) {
      if (live && !isTerminal(live.status)) runs.stop(planned.runId);
      continue;
    }
    void withdrawOrStop(planned.runId, runs);
  }
}

async function withdrawOrStop(runId: string, runs: Pick<Runs, "cancel" | "stop">): Promise<void> {
  if (!(await runs.cancel(runId))) runs.stop(runId);
}
