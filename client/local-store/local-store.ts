import type { ConversationId } from "#shared/domain/ids.ts";
import type { ConversationSummary } from "#shared/domain/summary.ts";
import type { ConversationEntry } from "#shared/protocol/http-bodies.ts";
import type { Result } from "#shared/lib/result.ts";
import type { Database } from "./open-database.ts";
import type { RunCommand } from "./run-command.ts";

/** Why this device cannot store. */
export type StoreFailure =
  | "full"
  /** a tab with an older version of the app holds the database, and does not let go */
  | "blocked"
  /** this tab gave the database up to a newer version of the app in another tab */
  | "superseded"
  /** the database was written by a newer version of the app; it is left as it is */
  | "newer"
  /** the browser does not answer; its answer is still waited for, and what failed so may come to be */
  | "silent"
  /** there is no database, or it is broken */
  | "unavailable";

export type StoreHealth =
  | { type: "ok" }
  | { type: "failing"; reason: StoreFailure }
  /** a shared device: nothing is to be kept on it, and each method answers `unavailable` */
  | { type: "none" };

/** A document as it is stored. */
export interface StoredDocument {
  epoch: number;
  /** everything stored, folded into one update; absent where nothing readable is stored */
  state: Uint8Array | undefined;
  /** how many update rows are not folded in storage yet */
  rows: number;
  /** the edits no `ack` covered; without bytes where they are part of the folded state only */
  outbox: { key: number; bytes: Uint8Array | undefined }[];
  /** records that could not be read and were set aside */
  quarantined: number;
  /** copies that were replaced, and whose words are not back in the document (C9) */
  setAside: { key: number; content: unknown }[];
}

/** A feed entry of a snapshot as it came: the code that keeps them, and parses them, comes later. */
export interface SnapshotNews {
  kind: "snapshot";
  id: string;
}

/** The stretch of the feed that a page covers: what changed after `from`, up to and including `to`. */
export interface FeedSpan {
  from: number;
  to: number;
}

/** What this device shows in the library instead of the feed's summary until the feed is as new. */
export interface LocalSummary {
  summary: ConversationSummary;
  /** ms since 1970 by this device's clock */
  changedAt: number;
  /** the server's log end that holds this change; absent while an edit waits for its `ack` */
  headSeq: number | undefined;
}

/** Up to where this device has a document's log, as far as it knows without opening it. */
export interface Have {
  epoch: number;
  seq: number;
}

/** All that is known of one conversation without opening it. */
export interface SummaryRecord {
  id: ConversationId;
  feed: ConversationEntry | undefined;
  local: LocalSummary | undefined;
  /** absent where its text was never pulled, or some of it turned out to be unreadable */
  have?: Have | undefined;
  /** see `LibraryEntry`; absent means no */
  changedAfterDeletion?: boolean | undefined;
  erasing?: boolean | undefined;
}

/** 0 for a pinned chat and 1 for others, then the time of the last activity, later ones first: -ms since 1970. */
export type ListPlace = [pinned: 0 | 1, activity: number];

/** What was pulled of a document that is not open. */
export interface PulledBody extends Have {
  id: ConversationId;
  update: Uint8Array;
  /** whether it is all there is; else what this device lacked */
  whole: boolean;
}

/** What became of bodies: those that are stored now, and of these the ones that have many rows by now. */
export interface TakenBodies {
  taken: ConversationId[];
  long: ConversationId[];
}

/** The edits of one document that no `ack` covered. */
export interface UnsentEdits {
  id: ConversationId;
  epoch: number;
  /** their outbox rows */
  keys: number[];
  /** the edits, or all there is of the document (`whole`) where some of them are part of its folded state only */
  updates: unknown[];
  whole: boolean;
}

/** What a device notes of a conversation in the trash. */
export type TrashMarks = Pick<SummaryRecord, "changedAfterDeletion" | "erasing">;

/** What one transaction stores of a document. */
export interface DocumentWrite {
  id: ConversationId;
  epoch: number;
  /** edits made here; they become one row and one outbox row */
  local: Uint8Array | undefined;
  /** what came from elsewhere; one row */
  remote: Uint8Array | undefined;
  /** the whole state, where earlier writes failed; merged with what is stored */
  state: { bytes: Uint8Array; pending: boolean } | undefined;
  commands: readonly RunCommand[];
  summary: LocalSummary | undefined;
  /** flush to the disk before saying it is stored */
  strict: boolean;
}

/**
 * This device's database for one account and workspace. Each method is one transaction; it answers when the
 * transaction is complete, or with why it could not be, and never rejects. A lost connection is reopened once.
 */
export interface LocalStore {
  health: () => StoreHealth;
  subscribe: (listener: () => void) => () => void;
  /** Calls back after the database was lost and opened anew: what was stored may be gone. */
  onReopened: (listener: () => void) => () => void;
  /** Calls back when there is a database after all: what could not be read can be read now. */
  onFound: (listener: () => void) => () => void;
  /** Calls back when records that cannot be read were moved to the quarantine. */
  onQuarantined: (listener: () => void) => () => void;

  load(id: ConversationId): Promise<Result<StoredDocument, StoreFailure>>;
  /** Answers the key of the outbox row, where one was written. */
  write(write: DocumentWrite): Promise<Result<number | undefined, StoreFailure>>;
  /** Removes outbox rows whose edits the server has. */
  settle(
    id: ConversationId,
    keys: readonly number[],
    summary: LocalSummary | undefined,
  ): Promise<Result<void, StoreFailure>>;
  /** Folds a document's rows into its state; outbox rows stay. Answers how many rows went. */
  compact(id: ConversationId, epoch: number): Promise<Result<number, StoreFailure>>;
  /**
   * Puts the server's state in the place of what is stored, and sets `own` aside. Answers false, and does nothing,
   * while edits of any tab wait for their `ack`.
   */
  heal(id: ConversationId, epoch: number, state: Uint8Array, own: Uint8Array): Promise<Result<boolean, StoreFailure>>;
  /**
   * Stores the edits that bring the words of copies set aside back, and marks these copies as done. Answers the key of
   * the outbox row, where one was written; `elsewhere`, and does nothing, where one of them was done before.
   */
  bringBack(
    keys: readonly number[],
    write: DocumentWrite,
  ): Promise<Result<number | undefined | "elsewhere", StoreFailure>>;
  /** All that no `ack` covered, over all documents and tabs. */
  outbox(): Promise<Result<Unacknowledged, StoreFailure>>;
  /** The edits of up to so many documents that are wanted and that no `ack` covered, oldest first. */
  unsent(most: number, wants: (id: ConversationId) => boolean): Promise<Result<UnsentEdits[], StoreFailure>>;
  /** Removes outbox rows whose edits were pushed, and notes where the log ended that has them. */
  settlePushed(id: ConversationId, keys: readonly number[], headSeq: number): Promise<Result<void, StoreFailure>>;
  /**
   * Stores what was pulled of documents, each as one row, with up to where the device has them now. What is of another
   * epoch than what is stored, builds on what is not, or was erased meanwhile, is left out.
   */
  takePulled(bodies: readonly PulledBody[]): Promise<Result<TakenBodies, StoreFailure>>;
  /** Sets a copy aside whose words are to come back (C9). */
  setAside(id: ConversationId, content: Uint8Array): Promise<Result<void, StoreFailure>>;
  quarantined(): Promise<Result<(QuarantinedRecord & { key: number })[], StoreFailure>>;
  /** Takes unreadable records out of what `outbox` answers; their bytes stay in the quarantine. */
  dismissUnreadable(): Promise<Result<void, StoreFailure>>;
  /** Forgets records for good, but not those whose words are still to come back. */
  removeQuarantined(keys: readonly number[]): Promise<Result<void, StoreFailure>>;
  /** the documents of which anything is stored */
  documentIds(): Promise<Result<Set<ConversationId>, StoreFailure>>;

  /** What stands first in the list of chats: pinned ones, then those that were last active. */
  firstSummaries(most: number): Promise<Result<SummaryRecord[], StoreFailure>>;
  library(): Promise<Result<{ cursor: number; records: SummaryRecord[] }, StoreFailure>>;
  /**
   * Stores a page of the feed with its cursor, which stays where it is if the page begins after it: it says that all
   * before it is stored. An entry ends a local summary that is not newer. Of what was erased on the server all is
   * deleted, but for conversations with edits that the server never had. Answers those deleted.
   */
  writeFeed(
    span: FeedSpan,
    entries: readonly (ConversationEntry | SnapshotNews)[],
  ): Promise<Result<ConversationId[], StoreFailure>>;
  mark(id: ConversationId, marks: TrashMarks): Promise<Result<void, StoreFailure>>;
  /**
   * Deletes all there is of a conversation. Answers whether it did.
   * @param onlyIf leaves what is not marked to be erased any more as it is
   */
  forget(id: ConversationId, onlyIf?: "if erasing"): Promise<Result<boolean, StoreFailure>>;
  /**
   * Ends what this browser keeps of deleted conversations outside of the database, which a transaction does not reach,
   * nor a service worker: calls back for each one that this was not done for, and notes that it was. Where that fails,
   * it is done again the next time.
   * @param clean must not fail; is called again for the same one where a page ended meanwhile
   */
  cleanUpForgotten(clean: (id: ConversationId) => void): Promise<void>;

  commands(): Promise<Result<RunCommand[], StoreFailure>>;
  /** Stores commands anew that were in a database that is gone. */
  keepCommands(commands: readonly RunCommand[]): Promise<Result<void, StoreFailure>>;
  removeCommand(runId: string): Promise<Result<void, StoreFailure>>;
  /** Runs a transaction of code that is not loaded with the rest. */
  run: Database["run"];
  close: () => void;
}

/** `corrupt`: could not be read; `diverged`: this device's copy when the server's turned out to differ (C9) */
export type QuarantineReason = "corrupt" | "diverged";

export interface QuarantinedRecord {
  /** "" where that could not be read either */
  documentId: string;
  reason: QuarantineReason;
  content: unknown;
  /** the object store it was in; absent in records of older versions of the app, and for copies of documents */
  store?: string;
  /** a person was told of it; absent means no */
  told?: boolean;
  /** it holds edits that no `ack` covered, and nobody was told yet; absent means no */
  unsent?: boolean;
  /** its words are not back in the document yet; absent means they are, or never were to come */
  waits?: boolean;
}

/** What the server does not have. */
export interface Unacknowledged {
  /** outbox keys by document */
  rows: Map<ConversationId, number[]>;
  /** documents with edits in the quarantine that were never acknowledged and not dismissed */
  unreadable: Set<ConversationId>;
  /** how many other records could not be read, and nobody was told yet */
  corrupt: number;
  /** documents with copies set aside whose words are not back in them (C9) */
  setAside: Set<ConversationId>;
  /** how many commands about snapshots wait for the server, and how many more it refused */
  snapshots: { waiting: number; refused: number };
}
