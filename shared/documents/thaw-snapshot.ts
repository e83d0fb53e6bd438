import type { FrozenContent, FrozenMessage, FrozenOrigin, FrozenRun } from "#shared/domain/frozen-content.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import type { Message } from "#shared/domain/message.ts";
import type { RunFacts } from "#shared/domain/run.ts";
import type { ConversationDocument } from "./conversation.ts";

/**
 * Writes what was frozen into an empty conversation, as one branch. Ids of messages stay, since they only have to differ
 * within one conversation, and so does all that is known of their runs: frozen again by the same author, the messages
 * are the same. Each message is an edit of its own, so that a long conversation fits into frames.
 */
export function thawInto(
  conversation: ConversationDocument,
  { manifest: { settings }, messages }: FrozenContent,
  origin: FrozenOrigin,
): void {
  if (settings.model !== "") conversation.chooseModel(settings.model);
  conversation.setSystemPrompt(settings.systemPrompt);
  conversation.setParameter("temperature", settings.parameters.temperature);
  conversation.setParameter("topP", settings.parameters.topP);
  conversation.setParameter("maxOutputTokens", settings.parameters.maxOutputTokens);
  let parentId: MessageId | undefined;
  for (const frozen of messages) {
    const message = thawed(frozen, parentId);
    conversation.restoreMessage(message);
    parentId = message.id;
  }
  conversation.setOrigin(origin);
}

function thawed(frozen: FrozenMessage, parentId: MessageId | undefined): Message {
  const { role, text, createdAt, reasoning = "", run } = frozen;
  const base = { id: frozen.id as MessageId, parentId, text, createdAt };
  return role === "user"
    ? { ...base, role, plannedRun: undefined }
    : { ...base, role, reasoning, run: run && factsOf(run) };
}

/** The run is over: there is no frame of it to follow from, and nothing to try again by itself. */
function factsOf({ id, failure, ...run }: FrozenRun): RunFacts {
  // Which provider it was says its model.
  const { provider: _provider, ...facts } = run;
  return {
    ...facts,
    runId: id,
    frame: 0,
    ...(failure !== undefined && { failure: { code: failure, retryable: false } }),
  };
}
