import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { isTerminal } from "#shared/domain/run.ts";
import type { Runs } from "./runs.ts";

/**
 * Whether an answer to a prompt is on its way: asked for, not in the document yet, and still to be delivered from
 * here or already being written. Asking again meanwhile would start, and pay for, a second one.
 */
export function planPending(
  conversation: Pick<ConversationDocument, "message">,
  runs: Pick<Runs, "ready" | "delivery" | "live">,
  promptId: string,
): boolean {
  const prompt = conversation.message(promptId);
  const planned = prompt?.role === "user" ? prompt.plannedRun : undefined;
  if (!planned || conversation.message(planned.messageId) !== undefined) return false;
  if (!runs.ready()) return true;
  const delivery = runs.delivery(planned.runId)?.type;
  if (delivery !== undefined) return delivery !== "refused";
  const live = runs.live(planned.runId);
  return live !== undefined && !isTerminal(live.status);
}
