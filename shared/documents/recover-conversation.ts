import type { MessageId } from "#shared/domain/ids.ts";
import type { Message } from "#shared/domain/message.ts";
import { isTerminal } from "#shared/domain/run.ts";
import type { ConversationDocument } from "./conversation.ts";

/**
 * Writes into a conversation, as new edits, the words that another copy of it has and it lacks: messages that
 * are missing come back, a text that differs becomes a sibling, a draft is put below the draft. Nothing is
 * taken away. Safe to repeat.
 */
export function recoverConversation(
  from: ConversationDocument,
  into: ConversationDocument,
  newId: () => MessageId,
): void {
  for (const message of [...from.messages()].toSorted((a, b) => (a.id < b.id ? -1 : 1)))
    recoverMessage(message, into, newId);
  recoverDraft(from.draft.toString(), into);
  recoverMeta(from, into);
}

function recoverMessage(message: Message, into: ConversationDocument, newId: () => MessageId): void {
  const there = into.message(message.id);
  if (there === undefined) return into.restoreMessage(message);
  // An answer that is being written is only shorter here.
  const told = there.text.startsWith(message.text) || into.siblings(there).some(({ text }) => text === message.text);
  if (!told) into.restoreMessage({ ...withoutRun(message), id: newId() });
}

/** A sibling starts nothing, and nobody writes on in it. */
function withoutRun(message: Message): Message {
  if (message.role === "user") return { ...message, plannedRun: undefined };
  return { ...message, run: message.run && isTerminal(message.run.status) ? message.run : undefined };
}

function recoverDraft(text: string, { draft, doc }: ConversationDocument): void {
  const there = draft.toString();
  if (text.trim() === "" || there.includes(text)) return;
  doc.transact(() => draft.insert(draft.length, there === "" ? text : `\n\n${text}`), "edit");
}

function recoverMeta(from: ConversationDocument, into: ConversationDocument): void {
  const [ours, theirs] = [from.summary(), into.summary()];
  // Writing that there is nothing would be an edit, which can win over words that others write meanwhile.
  if (theirs.title === "" && ours.title !== "") into.rename(ours.title);
  for (const tag of ours.tags) if (!theirs.tags.includes(tag)) into.setTag(tag, true);
  const [own, other] = [from.settings(), into.settings()];
  if (other.systemPrompt === "" && own.systemPrompt !== "") into.setSystemPrompt(own.systemPrompt);
  if (other.model === "" && own.model !== "") into.chooseModel(own.model);
}
