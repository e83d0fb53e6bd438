import * as Y from "yjs";
import type { MessageId } from "#shared/domain/ids.ts";
import type { RunFacts } from "#shared/domain/run.ts";
import type { ConversationDocument } from "./conversation.ts";
import { plainRecord, readMessage } from "./message-map.ts";
import { appendReasoning, putMessage } from "./write-message.ts";

// What the relay writes into a conversation, and nobody else.

/** Output of a run since the last checkpoint. */
export interface AnswerProgress {
  text: string;
  reasoning: string;
  run: RunFacts;
}

const messagesOf = ({ doc }: ConversationDocument): Y.Map<unknown> => doc.getMap<unknown>("messages");

/**
 * The empty answer, shown at once on every device. Does nothing where the message exists, or where somebody has removed
 * it.
 */
export function startAnswer(
  conversation: ConversationDocument,
  { id, parentId, createdAt, run }: { id: MessageId; parentId: MessageId; createdAt: number; run: RunFacts },
): void {
  const messages = messagesOf(conversation);
  // A removed entry stays in Yjs's map, marked as deleted, also once its content is collected.
  // oxlint-disable-next-line no-underscore-dangle -- Yjs has no public way to ask for it
  if (messages._map.has(id)) return;
  conversation.together(() => {
    putMessage(messages, id, { role: "assistant", parentId, createdAt, run: plainRecord(run) }, "");
    conversation.chooseBranch(parentId, id);
  });
}

/**
 * Appends what the run wrote since the last call and replaces the run's facts. Safe to repeat: a checkpoint whose frame
 * the document already has only updates the facts. A message that was deleted stays deleted. Answers whether the text was
 * appended.
 */
export function appendAnswer(conversation: ConversationDocument, id: MessageId, progress: AnswerProgress): boolean {
  const map = messagesOf(conversation).get(id);
  if (!(map instanceof Y.Map)) return false;
  const before = readMessage(id, map);
  if (before?.role !== "assistant" || before.run?.runId !== progress.run.runId) return false;
  const fresh = progress.run.frame > before.run.frame;
  conversation.together(() => {
    const text = map.get("text") as Y.Text;
    if (fresh && progress.text) text.insert(text.length, progress.text);
    if (fresh && progress.reasoning) appendReasoning(map, progress.reasoning);
    map.set("run", plainRecord(progress.run));
  });
  return fresh;
}
