import type * as Y from "yjs";
import type { DocumentKind } from "#shared/domain/room-name.ts";
import type { CloseCode } from "#shared/protocol/close-codes.ts";
import type { NackCode } from "#shared/protocol/sync-frames.ts";
import type { DocumentView } from "./document-kinds.ts";
import type { OpenFailure } from "./rooms.ts";
import type { Hold } from "./slow-socket-state.ts";

/** Names one session of one room; never used twice in a room. */
export type SessionId = number;
/** Names one edit of the relay; never used twice in a room. */
export type EditId = number;

/** The durable truth a room is built from. */
export interface DocumentLog {
  /** whether anybody claimed the document; `false` means everything else is empty */
  exists: boolean;
  /** what it is; what nobody wrote yet could only become a conversation */
  kind: DocumentKind;
  epoch: number;
  headSeq: number;
  checkpointSeq: number;
  /** a checkpoint through `checkpointSeq`, absent while that is 0 */
  checkpoint: Uint8Array | undefined;
  /** the rows `checkpointSeq + 1 … headSeq`, in order */
  tail: readonly Uint8Array[];
  clients: readonly (readonly [clientId: number, actor: string])[];
  /** JSON of the summary as stored, and the sequence number it shows */
  summary: string;
  summarySeq: number;
}

/** The log of a document nobody wrote yet. */
export const UNCLAIMED: DocumentLog = {
  exists: false,
  kind: "conversation",
  epoch: 0,
  headSeq: 0,
  checkpointSeq: 0,
  checkpoint: undefined,
  tail: [],
  clients: [],
  summary: "",
  summarySeq: 0,
};

export interface LogRow {
  seq: number;
  bytes: Uint8Array;
  actor: string;
}

/** What is to be written together or not at all. */
export interface CommitBatch {
  epoch: number;
  /** the head this batch was built on: the compare of the compare-and-set */
  expectedHead: number;
  headSeq: number;
  rows: readonly LogRow[];
  /** clientIDs used for the first time, with their actor */
  clients: readonly (readonly [clientId: number, actor: string])[];
  /** the first write: the document row is to be made, and must not exist (R18) */
  claim: boolean;
  /** JSON of the summary as of `headSeq`; present when the feed shall show the change now */
  summary: string | undefined;
  /** ms by the room's clock; whoever writes it puts ms since 1970 in its place */
  at: number;
}

export interface JoiningSession {
  session: SessionId;
  actor: string;
  /** the kind in the room name, absent where none was named; whoever asks for another one than it is finds nothing */
  kind?: DocumentKind | undefined;
  /** the epoch in the room name the session asked for */
  epoch: number;
  /** the right to write the document once it exists, unless it is frozen, and to claim it while it does not */
  mayWrite: boolean;
  mayClaim: boolean;
  /** whether frames 100 and up are spoken on this transport (R10) */
  extended: boolean;
  /** reads what the transport accepted and the network did not take yet, in bytes */
  held(): Hold;
}

export type CommitOutcome = "conflict" | "unavailable";

/**
 * Called once the copy is exactly what is stored: with the document, `unknown` where there is no document
 * (for this owner), `unavailable` where it cannot be read now, or `crowded` where there is no memory for it. Must not throw.
 */
export type Look = (stored: DocumentView | "unknown" | "unavailable" | "crowded") => void;

/** Everything that can happen to a room. */
export type RoomEvent =
  | { type: "loaded"; log: DocumentLog }
  /** `wasErased`: `unknown`, though it was the principal's own */
  | { type: "load-failed"; failure: Exclude<OpenFailure, "old-epoch">; wasErased?: boolean }
  | ({ type: "joined" } & JoiningSession)
  | { type: "received"; session: SessionId; message: Uint8Array }
  | { type: "drained"; session: SessionId }
  | { type: "left"; session: SessionId }
  | { type: "committed" }
  | { type: "commit-failed"; failure: CommitOutcome }
  | { type: "compacted"; through: number; bytes: number }
  | { type: "compaction-failed" }
  /** the relay edits; answered by a `settled` effect, with `unknown` where the document is of another kind */
  | { type: "edit"; edit: EditId; kind: DocumentKind; change: (view: DocumentView) => void }
  | { type: "look"; look: Look }
  /** somebody waits for this document to change: keep the room until `unpin` */
  | { type: "pin" | "unpin" }
  /** the feed of this room's owner moved, by this or another document */
  | { type: "feed-moved" }
  /** time passed; wanted about every 500 ms */
  | { type: "tick" }
  /** the document was erased: there is nothing to serve any more (R22) */
  | { type: "erased" }
  /** the driver is short of memory: evict at once where nobody needs the room */
  | { type: "release" }
  /** the server is going away: commit what was taken, then tell everybody to come back */
  | { type: "closing" };

export type EditOutcome =
  | { ok: true }
  | { ok: false; failure: CommitOutcome | "unknown" | "crowded" }
  /** the change itself threw: a bug of the caller */
  | { ok: false; failure: "threw"; error: unknown };

/** What the shell has to carry out, in order. */
export type RoomEffect =
  | { type: "send"; session: SessionId; frame: Uint8Array }
  /** the session is over; nothing more is sent to it. `isRefusal`: the document never was theirs to open */
  | { type: "close"; session: SessionId; code: CloseCode; reason: string; isRefusal?: true }
  /** stop and go on reading from the transport: more waits than the room can take */
  | { type: "pause" | "resume"; session: SessionId }
  /** read the log; answer with `loaded` or `load-failed` */
  | { type: "load" }
  /** write; answer with `committed` or `commit-failed` */
  | { type: "commit"; batch: CommitBatch }
  /** fold the log up to its head; answer with `compacted` or `compaction-failed` */
  | { type: "compact" }
  | { type: "settled"; edit: EditId; outcome: EditOutcome }
  /** the stored document is another one than before */
  | { type: "changed"; headSeq: number }
  /** something to count or audit; never content */
  | { type: "noticed"; what: RoomNotice; session: SessionId | undefined }
  /** nobody needs this room; after this effect it answers no event any more */
  | { type: "evict" };

export type RoomNotice =
  | NackCode
  | "malformed"
  | "broken-update"
  | "broken-log"
  | "commit-failed"
  | "slow"
  | "flooded"
  /** there was no memory for a document or an update: come back later (R16) */
  | "crowded"
  /** a client holds other content of the same state */
  | "diverged"
  /** the live copy was not what its log says, and was rebuilt (R20) */
  | "live-copy-wrong";

/** For readers of the live copy that need the Y.Doc itself (the simulation's oracles). */
export type LiveDoc = Y.Doc;
