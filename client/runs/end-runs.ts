import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { isTerminal } from "#shared/domain/run.ts";
import type { Runs } from "./runs.ts";

/**
 * Ends what is going on in a conversation that is deleted. What has not gone out is left to delivery, which keeps
 * it back until the conversation is restored.
 */
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
    const delivery = runs.delivery(planned.runId)?.type;
    const live = runs.live(planned.runId);
    if (delivery === "sending") void withdrawOrStop(planned.runId, runs);
    else if (delivery === undefined && live && !isTerminal(live.status)) runs.stop(planned.runId);
  }
}

/** It may have left already, from here or another tab: then it is stopped. */
async function withdrawOrStop(runId: string, runs: Pick<Runs, "cancel" | "stop">): Promise<void> {
  if (!(await runs.cancel(runId))) runs.stop(runId);
}
