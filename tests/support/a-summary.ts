import type { ConversationSummary } from "#shared/domain/summary.ts";

/** What a list knows of a chat with one message. */
export const aSummary = (title: string, other: Partial<ConversationSummary> = {}): ConversationSummary => ({
  title,
  excerpt: "",
  pinned: false,
  archived: false,
  deleted: false,
  tags: [],
  messageCount: 1,
  ...other,
});
