import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import type { SnapshotLabels, SnapshotSummary } from "#shared/domain/snapshot.ts";
import type { ReadContent } from "./snapshot-contents.ts";
import type { SnapshotSource } from "./snapshot-record.ts";

/** How far the server is with what was done to a snapshot here. */
export type SnapshotState =
  | { type: "sealed" }
  /** taken here, and not sealed by the server yet; its number is what it will most likely be */
  | { type: "pending" }
  /** a change of its labels, or its deletion, waits for the server */
  | { type: "changing" }
  /** the server will not have it, with the code of its answer; the content stays on this device until it is given up */
  | { type: "refused"; code: string }
  /** sealed, and shown as the server has it: it will not have a change of it, until that is given up */
  | { type: "change-refused"; code: string };

/** One snapshot as lists show it: what the server said of it, overlaid with what waits here. */
export interface SnapshotEntry {
  summary: SnapshotSummary;
  state: SnapshotState;
  /** ms since 1970 by the server's clock: since when it is in the trash, where the server said so */
  deletedAt: number | undefined;
}

export interface TakenSnapshot extends SnapshotLabels {
  /** made before, by whoever planned it: taking it again changes nothing. A new one where none is named */
  id?: SnapshotId | undefined;
  conversationId: ConversationId;
  content: FrozenContent;
  /** absent where it was taken of the conversation */
  source?: SnapshotSource | undefined;
}

/**
 * A person's snapshots in this workspace: those the server sealed, and those that wait for it. All of it works without a
 * network; commands are stored before they are shown, and delivered once, in order, by whichever tab or worker can.
 */
export interface Snapshots {
  /** Newest first, those in the trash among them. The same array until something changes. */
  entries(): readonly SnapshotEntry[];
  /** false until those stored on this device were read */
  loaded(): boolean;
  subscribe(listener: () => void): () => void;
  /** Freezes content. Resolves once it is stored here; it is shown in any case. */
  take(taken: TakenSnapshot): Promise<SnapshotId>;
  /**
   * Whether a snapshot that was taken needs this tab no more: it is stored here, or the server answered for good. False
   * while it is in the memory of this tab alone.
   */
  isKept(id: SnapshotId): boolean;
  setLabels(id: SnapshotId, labels: Partial<SnapshotLabels>): void;
  /** Puts it into the trash, or takes it out again. One that the server refused has no trash: it is given up. */
  setDeleted(id: SnapshotId, deleted: boolean): void;
  /** Asks the server to erase what is in the trash, however long that takes. What it refused is given up. */
  erase(...ids: SnapshotId[]): void;
  /** Takes back one that the server never sealed; of one that it sealed, the changes that it refused. */
  giveUp(id: SnapshotId): Promise<void>;
  /**
   * All that was frozen, checked against its id. `missing` where its messages did not come to this device yet: `fetch`
   * them first. `damaged` where what is stored here is not what was frozen.
   */
  content(id: SnapshotId): Promise<ReadContent>;
  /**
   * As `content`, of many: those of one conversation follow each other, and what they share is read and checked once.
   * Calls back for each, and goes on once that is done.
   */
  contents(
    ids: readonly SnapshotId[],
    take: (id: SnapshotId, content: ReadContent) => void | Promise<void>,
  ): Promise<void>;
  /** Asks the server for the messages of one snapshot now. Answers whether they are here. */
  fetch(id: SnapshotId): Promise<boolean>;
}
