import type { ConversationId } from "#shared/domain/ids.ts";
import type { ConversationSummary } from "#shared/domain/summary.ts";

/** How many rows the list shows at first, and what is read of a large library before the rest. */
export const FIRST_ROWS = 120;

/** One conversation as the library shows it. */
export interface LibraryEntry {
  id: ConversationId;
  summary: ConversationSummary;
  /** ms since 1970: when it was last changed, by the server's clock, or by this device's until the server has it */
  activityAt: number;
  /** ms since 1970 by the server's clock: since when it is in the trash, where the server said so */
  deletedAt: number | undefined;
  /** this device had edits of its own when it learned of the deletion */
  changedAfterDeletion: boolean;
  /** the server has nothing of it any more: what this device still holds was never there */
  erased: boolean;
  /** the server is to erase it, and did not answer yet */
  erasing: boolean;
}

/** The list of a person's conversations: the feed's summaries, overlaid with what this device changed since. */
export interface Library {
  /** All entries, last active first, deleted ones among them. The same array until something changes. */
  entries(): readonly LibraryEntry[];
  /** false until the entries stored on this device were read */
  loaded(): boolean;
  subscribe(listener: () => void): () => void;
  /** Asks the server to erase a conversation in the trash, however long that takes; or takes that back. */
  setErasing(id: ConversationId, erasing: boolean): void;
  /** Deletes everything of a conversation from this device, edits that were never sent among it. */
  forget(id: ConversationId): Promise<void>;
}
