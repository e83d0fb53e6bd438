import type { ConversationDocument } from "#shared/documents/conversation.ts";
import { promptOf } from "#shared/domain/prompt.ts";
import type { ChatMessage } from "#shared/domain/prompt.ts";

/** The prompt of a run that answers `parentId`, by this copy of the conversation. `undefined` where that is not there. */
export function buildPrompt(
  conversation: ConversationDocument,
  parentId: string,
  carried: string,
): ChatMessage[] | undefined {
  const branch = conversation.pathTo(parentId);
  return branch.length === 0 ? undefined : promptOf(conversation.settings().systemPrompt, branch, carried);
}
