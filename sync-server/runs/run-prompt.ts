import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { ChatMessage } from "./provider.ts";

/** What a model is told so that its answer can be joined to the text it carries on. */
export const CONTINUE_INSTRUCTION =
  "Your previous answer was cut off. Continue it exactly where it ends: repeat nothing, add no introduction, " +
  "and begin in the middle of a word or sentence if that is where it ends.";

/**
 * The prompt of a run: the system prompt and the turns from the root to `parentId`. With `carried`, the text
 * of the answer to carry on and the instruction to do so. `undefined` where the parent is not there.
 */
export function buildPrompt(
  conversation: ConversationDocument,
  parentId: string,
  carried: string,
): ChatMessage[] | undefined {
  const branch = conversation.pathTo(parentId);
  if (branch.length === 0) return undefined;
  const { systemPrompt } = conversation.settings();
  const messages: ChatMessage[] = systemPrompt.trim() === "" ? [] : [{ role: "system", text: systemPrompt }];
  for (const { role, text } of branch) if (text !== "") messages.push({ role, text });
  if (carried !== "") {
    messages.push({ role: "assistant", text: carried }, { role: "user", text: CONTINUE_INSTRUCTION });
  }
  return messages;
}
