import type { ConversationId } from "#shared/domain/ids.ts";
import type { Message } from "#shared/domain/message.ts";
import type { RunParameters } from "#shared/domain/parameters.ts";
import { displayTitle } from "#shared/domain/summary.ts";
import type { ConversationDocument } from "./conversation.ts";
import { conversationTranscript, transcriptMarkdown } from "./transcript.ts";
import type { ExportWords } from "./transcript.ts";

/** A message as it stands in an export. Times are ISO 8601 in UTC, by the clock of whoever made it. */
export interface ExportedMessage {
  id: string;
  /** the message it follows; absent for the first ones */
  parentId?: string;
  role: "user" | "assistant";
  createdAt?: string;
  text: string;
  reasoning?: string;
  /** of an answer: what was asked for, what answered, and how it ended */
  model?: string;
  resolvedModel?: string;
  parameters?: RunParameters;
  status?: string;
}

/** A conversation as it stands in an export: everything a person wrote or read in it. */
export interface ExportedConversation {
  id: string;
  title: string;
  tags: string[];
  pinned: boolean;
  archived: boolean;
  settings: { model?: string; systemPrompt?: string } & RunParameters;
  /** unsent words; "" where there are none */
  draft: string;
  /** all messages, those of branches not shown among them; a parent comes before what follows it */
  messages: ExportedMessage[];
  /** ids of the messages of the branch that was shown, in order */
  shown: string[];
  /** the branch that was shown, to be read by people */
  markdown: string;
}

/** Everything in a conversation, in plain values. */
export function exportConversation(
  id: ConversationId,
  conversation: ConversationDocument,
  words: ExportWords,
): ExportedConversation {
  const { title, excerpt, tags, pinned, archived } = conversation.summary();
  const { model, systemPrompt, parameters } = conversation.settings();
  return {
    id,
    title: displayTitle({ title, excerpt }) || words.untitled,
    tags,
    pinned,
    archived,
    settings: { ...(model && { model }), ...(systemPrompt && { systemPrompt }), ...parameters },
    draft: conversation.draft.toJSON(),
    messages: inOrder([...conversation.messages()]).map(exportMessage),
    shown: conversation.branch().map((message) => message.id),
    markdown: conversationMarkdown(conversation, words),
  };
}

/** The shown branch of a conversation as Markdown. */
export const conversationMarkdown = (conversation: ConversationDocument, words: ExportWords): string =>
  transcriptMarkdown(conversationTranscript(conversation, words), words);

function exportMessage(message: Message): ExportedMessage {
  const { id, parentId, role, text } = message;
  const createdAt = isoTime(message.createdAt);
  const base = { id, ...(parentId && { parentId }), role, ...(createdAt && { createdAt }), text };
  if (message.role === "user") return base;
  const { reasoning, run } = message;
  if (run === undefined) return { ...base, ...(reasoning && { reasoning }) };
  const { model, resolvedModel, parameters, status } = run;
  const facts = { model, ...(resolvedModel && { resolvedModel }), parameters, status };
  return { ...base, ...(reasoning && { reasoning }), ...facts };
}

/** A clock may have been anything; a time that is none is left out. */
function isoTime(ms: number): string | undefined {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}

/** Ids sort by time on one device; between devices a child may have been made by a slower clock than its parent. */
function inOrder(messages: Message[]): Message[] {
  const byId = new Map(messages.map((message) => [message.id as string, message]));
  const ordered = new Set<Message>();
  for (const message of messages.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const path: Message[] = [];
    let at: Message | undefined = message;
    while (at && !ordered.has(at) && !path.includes(at)) {
      path.push(at);
      at = at.parentId === undefined ? undefined : byId.get(at.parentId);
    }
    for (const one of path.toReversed()) ordered.add(one);
  }
  return [...ordered];
}
