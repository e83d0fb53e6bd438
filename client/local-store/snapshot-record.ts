import type { Manifest } from "#shared/domain/frozen-content.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import type { SnapshotLabels, SnapshotSummary } from "#shared/domain/snapshot.ts";
import type { SnapshotFeedEntry } from "#shared/protocol/feed-bodies.ts";

// What the database holds of snapshots: a record is what the server said of one, a command is what waits for it. What a
// person sees is made of both (`snapshot-state.ts`).

/** What the server answered here to the last command, shown until the feed is as new. */
export interface AnsweredSnapshot {
  summary: SnapshotSummary;
  /** where the server's log ended then; absent where it did not say */
  headSeq: number | undefined;
}

/** One snapshot the server has. */
export interface SnapshotRecord {
  id: SnapshotId;
  conversationId: ConversationId;
  feed: SnapshotFeedEntry | undefined;
  answered: AnsweredSnapshot | undefined;
  /** absent where it did not come to this device yet */
  manifest: Manifest | undefined;
}

/** "Freeze this": with all of it but the messages, which are stored beside it. */
export interface TakeCommand extends SnapshotLabels {
  type: "take";
  manifest: Manifest;
  contentId: string;
  /** the last message: where the server may find all of them in its own copy */
  leaf: string;
  /** see `modelOf`; absent in what an earlier version stored */
  model?: string | undefined;
  excerpt: string;
  /** the account that took it */
  createdBy: string;
  source?: SnapshotSource | undefined;
}

/** Where frozen messages come from that were in no conversation of this account: the server cannot have them. */
export type SnapshotSource = "file";

export type SnapshotDeed =
  | TakeCommand
  | { type: "labels"; labels: Partial<SnapshotLabels> }
  | { type: "restore" }
  | { type: "delete" }
  | { type: "erase" };

/** A command about a snapshot, kept on this device from before the first attempt until the server answered for good. */
export interface SnapshotCommand {
  snapshotId: SnapshotId;
  conversationId: ConversationId;
  /** ms since 1970 by this device's clock */
  createdAt: number;
  deed: SnapshotDeed;
  /** the code with which the server refused it for good; absent while it waits */
  refused?: string;
}

/** A command in its place: later ones have higher keys. */
export interface QueuedCommand {
  key: number;
  command: SnapshotCommand;
}

/** What became of a command that needs no further attempt. */
export type SettledCommand =
  /** done; `summary` is what the server said, or what the command makes of what was known */
  | { type: "done"; answered: AnsweredSnapshot | undefined }
  /** what it was about is not there any more, or is not as it has to be; there is nothing left to do */
  | { type: "dropped" }
  | { type: "refused"; code: string };
