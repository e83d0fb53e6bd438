import type { FrozenContent, FrozenMessage, Manifest } from "#shared/domain/frozen-content.ts";
import type { SnapshotSummary } from "#shared/domain/snapshot.ts";
import { conversationTranscript, snapshotTranscript, transcriptMarkdown } from "./transcript.ts";
import type { FactWords } from "./transcript.ts";
import { transcriptHtml } from "./transcript-html.ts";
import type { ConversationDocument } from "./conversation.ts";

/** A snapshot as a file for programs (docs/export-format.md): its labels, and exactly what was frozen. */
export interface ExportedSnapshot {
  format: "holdfast.snapshot";
  version: 1;
  id: string;
  conversationId: string;
  number: number;
  title: string;
  note: string;
  tags: string[];
  /** ISO 8601, UTC */
  createdAt: string;
  createdBy: string;
  contentId: string;
  manifest: Manifest;
  messages: readonly FrozenMessage[];
}

export function snapshotJson(summary: SnapshotSummary, { manifest, messages }: FrozenContent): string {
  const { id, conversationId, number, title, note, tags, createdAt, createdBy, contentId } = summary;
  const exported: ExportedSnapshot = {
    format: "holdfast.snapshot",
    version: 1,
    id,
    conversationId,
    number,
    title,
    note,
    tags,
    createdAt: new Date(createdAt).toISOString(),
    createdBy,
    contentId,
    manifest,
    messages,
  };
  return `${JSON.stringify(exported, null, 2)}\n`;
}

/** @param marks of messages, by place: what is known of whether a model said them */
export const snapshotMarkdown = (
  summary: SnapshotSummary,
  content: FrozenContent,
  words: FactWords,
  marks: readonly string[] = [],
): string => transcriptMarkdown(snapshotTranscript(summary, content, words, marks), words);

/** As `snapshotMarkdown`, as one HTML page without any script. */
export const snapshotHtml = (
  summary: SnapshotSummary,
  content: FrozenContent,
  words: FactWords,
  marks: readonly string[] = [],
): string => transcriptHtml(snapshotTranscript(summary, content, words, marks), words);

/** The shown branch of a conversation as such a page. */
export const conversationHtml = (conversation: ConversationDocument, words: FactWords): string =>
  transcriptHtml(conversationTranscript(conversation, words), words);
