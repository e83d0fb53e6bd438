import type { ConversationId, SnapshotId } from "./ids.ts";

/** Longest note, in UTF-16 code units. Titles are as long as those of conversations. */
export const NOTE_LENGTH = 10_000;
export const TAG_LENGTH = 50;
export const MOST_TAGS = 32;

/** What may be changed of a snapshot: none of it is part of what was frozen. */
export interface SnapshotLabels {
  title: string;
  note: string;
  tags: string[];
}

/** What lists show of a snapshot. Times are ms since 1970 by the server's clock. */
export interface SnapshotSummary extends SnapshotLabels {
  id: SnapshotId;
  /** the conversation it was taken of, whose snapshots are numbered together; it may be gone */
  conversationId: ConversationId;
  /** from 1; a number is never given twice */
  number: number;
  contentId: string;
  /** the hash of the last message, by which its messages are found */
  head: string | null;
  messageCount: number;
  /** the model in the settings, as it was asked for */
  model: string;
  /** the first words of the first message */
  excerpt: string;
  createdAt: number;
  /** the account that froze it */
  createdBy: string;
  /** it is in the trash */
  deleted: boolean;
}
