import * as Y from "yjs";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { WORKSPACE_HEADER } from "#shared/protocol/account-header.ts";
import { BULK_TYPE, encodePush, parsePushAnswers } from "#shared/protocol/bulk-sync.ts";
import type { PushAnswer } from "#shared/protocol/bulk-sync.ts";
import { newId } from "./attacked-server.ts";
import type { Guest } from "./guest.ts";

/** A chat of one prompt and one answer, by its ids. */
export interface Chat {
  conversationId: string;
  promptId: string;
  answerId: string;
  runId: string;
}

export const MODEL = "openai/scripted-1";

/** Acts in a workspace; in one's own where none is named. */
export const inWorkspace = (workspaceId?: string): Record<string, string> =>
  workspaceId === undefined ? {} : { [WORKSPACE_HEADER]: workspaceId };

/** An edit that a device makes of a chat it knows nothing of. */
export function anEdit(text: string): Uint8Array {
  const doc = new Y.Doc();
  doc.getText("draft").insert(0, text);
  return Y.encodeStateAsUpdate(doc);
}

/** A new chat as its first device has it: a title, and a prompt that says the same. */
export function aWrittenChat(promptId: string, words: string): Uint8Array {
  const doc = new Y.Doc();
  const conversation = openConversation(doc, "local");
  conversation.rename(words);
  conversation.addPrompt({ id: promptId as MessageId, parentId: undefined, text: words, createdAt: 1 });
  return Y.encodeStateAsUpdate(doc);
}

/** Pushes an edit; answers what became of it. */
export async function pushEdit(
  who: Guest,
  id: string,
  update: Uint8Array,
  headers: Record<string, string> = {},
): Promise<PushAnswer> {
  const pushed = await who.fetch("/api/sync/push", {
    method: "POST",
    headers: { ...headers, "content-type": BULK_TYPE },
    body: encodePush([{ id: id as ConversationId, epoch: 0, update }]).slice(),
  });
  const answers = parsePushAnswers(new Uint8Array(await pushed.arrayBuffer()));
  const [answer] = answers.ok ? answers.value : [];
  if (answer === undefined) throw new Error(`no answer to a push: ${pushed.status}`);
  return answer;
}

/** The body that starts the run of a chat. */
export const runBody = ({ conversationId, promptId, answerId }: Omit<Chat, "runId">): object => ({
  conversationId,
  parentMessageId: promptId,
  messageId: answerId,
  model: MODEL,
  parameters: {},
});

/** Writes a chat as somebody and has it answered. */
export async function writeChat(who: Guest, words: string, workspaceId?: string): Promise<Chat> {
  const chat: Chat = { conversationId: newId(), promptId: newId(), answerId: newId(), runId: newId() };
  const headers = inWorkspace(workspaceId);
  const pushed = await pushEdit(who, chat.conversationId, aWrittenChat(chat.promptId, words), headers);
  if (pushed.type !== "acknowledged") throw new Error(`the chat was not taken: ${pushed.type}`);
  const started = await who.fetch(`/api/runs/${chat.runId}`, {
    method: "PUT",
    headers: { ...headers, "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify(runBody(chat)),
  });
  if (started.status !== 201) throw new Error(`the run did not start: ${started.status} ${await started.text()}`);
  // The stream ends with the run.
  await started.text();
  return chat;
}
