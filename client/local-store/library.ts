import type { ConversationId } from "#shared/domain/ids.ts";
import type { ConversationSummary } from "#shared/domain/summary.ts";

/** One conversation as the library shows it. */
export interface LibraryEntry {
  id: ConversationId;
  summary: ConversationSummary;
  /** ms since 1970: when it was last changed, by the server's clock, or by this device's until the server has it */
  activityAt: number;
}

/** The list of a person's conversations: the feed's summaries, overlaid with what this device changed since. */
export interface Library {
  /** All entries, last active first, deleted ones among them. The same array until something changes. */
  entries(): readonly LibraryEntry[];
  /** false until the entries stored on this device were read */
  loaded(): boolean;
  subscribe(listener: () => void): () => void;
}
