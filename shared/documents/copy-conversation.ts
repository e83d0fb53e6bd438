import type { Message } from "#shared/domain/message.ts";
import { isTerminal } from "#shared/domain/run.ts";
import type { ConversationDocument } from "./conversation.ts";

/**
 * Writes what a conversation holds into an empty one: messages with all their versions, the branch that is shown,
 * settings, tags and draft. Ids of messages stay, since they only have to differ within one conversation. Nobody writes
 * on in the copy: an answer that was being written is left as it is here, and what was asked for is to be asked again.
 * Each message is an edit of its own, so that a long conversation fits into frames.
 */
export function copyConversation(
  from: ConversationDocument,
  into: ConversationDocument,
  { title, newRunId }: { title: string; newRunId: () => string },
): void {
  into.rename(title);
  for (const tag of from.summary().tags) into.setTag(tag, true);
  copySettings(from, into);
  for (const message of from.messages()) into.restoreMessage(atRest(message, from, newRunId));
  let parentId: string | undefined;
  for (const { id } of from.branch()) {
    into.chooseBranch(parentId, id);
    parentId = id;
  }
  into.setDraft(from.draft.toString());
}

function copySettings(from: ConversationDocument, into: ConversationDocument): void {
  const { model, systemPrompt, parameters } = from.settings();
  if (model !== "") into.chooseModel(model);
  into.setSystemPrompt(systemPrompt);
  into.setParameter("temperature", parameters.temperature);
  into.setParameter("topP", parameters.topP);
  into.setParameter("maxOutputTokens", parameters.maxOutputTokens);
}

function atRest(message: Message, { message: find }: ConversationDocument, newRunId: () => string): Message {
  if (message.role === "assistant")
    return { ...message, run: message.run && isTerminal(message.run.status) ? message.run : undefined };
  const { plannedRun } = message;
  if (plannedRun === undefined || find(plannedRun.messageId) !== undefined) return message;
  return { ...message, plannedRun: { ...plannedRun, runId: newRunId() } };
}
