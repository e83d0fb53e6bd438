import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { SnapshotDocument } from "#shared/documents/snapshot.ts";
import type { ConversationId, DocumentId, SnapshotId } from "#shared/domain/ids.ts";
import type { RoomName } from "#shared/domain/room-name.ts";
import type { PushAnswer, Pulled, Pushed, Wanted } from "#shared/protocol/bulk-sync.ts";
import type { Action } from "#server/access/authorize.ts";
import type { Principal } from "#server/access/principal.ts";
import { CommitError } from "#server/storage/database.ts";

/** Why a document cannot be opened. `unknown` also stands for "not yours" and for "erased". */
export type OpenFailure = "unknown" | "old-epoch" | "unavailable";

/** The principal has no such document, and waiting will not bring it. */
export class DocumentGone extends Error {
  constructor() {
    super("There is no such document");
    this.name = "DocumentGone";
  }
}

/** There is no memory for the document now: it can be opened once others are closed. */
export class RoomsCrowded extends CommitError {
  constructor() {
    super("unavailable");
    this.name = "RoomsCrowded";
  }
}

/** The transport of one session, as a room needs it. */
export interface SessionTransport {
  send(frame: Uint8Array): void;
  close(code: number, reason: string): void;
  /** bytes accepted by `send` that the network did not take yet */
  bufferedBytes(): number;
  /** bytes that it took so far; where absent, what is buffered has to tell whether anything moves */
  takenBytes?(): number;
  /** asks to stop, and to go on, reading from the network; a transport that cannot is closed when it floods */
  pause?(): void;
  resume?(): void;
  /** To be told what was refused for want of a right, to write it down: a document, or an edit that was dropped. */
  refused?: OnRefused;
}

export type OnRefused = (action: Extract<Action, "document.read" | "document.write">) => void;

/** One client's connection to a room. */
export interface Session {
  receive(message: Uint8Array): void;
  /** the transport can take more again */
  drained(): void;
  left(): void;
}

/**
 * The server's live documents. Opens each lazily from the log, keeps one copy, evicts idle ones.
 */
export interface Rooms {
  /** Whether a principal may open the room, before a socket is upgraded. Claims nothing. */
  admits(principal: Principal, name: RoomName): Promise<{ ok: true } | { ok: false; failure: OpenFailure }>;
  /**
   * Connects a transport to a room. The first authenticated write to an unknown document claims it for the
   * principal's account and workspace; who may write none is told that there is none.
   * @param extended whether the socket negotiated `holdfast.sync.v1`
   */
  join(principal: Principal, name: RoomName, transport: SessionTransport, extended: boolean): Session;
  /**
   * Reads a conversation as it is durably stored (nothing uncommitted).
   * Answers `undefined` where the principal has no such conversation; rejects with `CommitError("unavailable")`
   * where it cannot be read now, `RoomsCrowded` where there is no memory for it.
   */
  read<T>(
    principal: Principal,
    id: ConversationId,
    look: (conversation: ConversationDocument) => T,
  ): Promise<T | undefined>;
  /**
   * Waits until `ready` answers true for the document, looking after each commit; answers whether it did
   * before the signal aborted. Also waits for a document nobody wrote yet.
   */
  waitFor(
    principal: Principal,
    id: ConversationId,
    ready: (conversation: ConversationDocument) => boolean,
    signal: AbortSignal,
  ): Promise<boolean>;
  /**
   * Edits a conversation as the relay and resolves when the edit is durable (and only then visible to others).
   * Rejects with `CommitError` where it could not be stored, `DocumentGone` where there is no such document,
   * and with what `change` throws.
   */
  edit(principal: Principal, id: ConversationId, change: (conversation: ConversationDocument) => void): Promise<void>;
  /** The same as `edit` for a snapshot, whose summary shows the edit at once. Only the server edits one. */
  editSnapshot(principal: Principal, id: SnapshotId, change: (snapshot: SnapshotDocument) => void): Promise<void>;
  /**
   * What the principal lacks of many documents, in order, as it is durably stored; bounded by `PULL_ANSWER_BYTES`.
   * No document is opened for it.
   */
  pull(principal: Principal, wanted: readonly Wanted[], onRefused?: OnRefused): Promise<Pulled[]>;
  /** Takes edits of one document as from a socket of the principal; answers once they are durable or were not taken. */
  push(principal: Principal, pushed: Pushed, onRefused?: OnRefused): Promise<PushAnswer>;
  /**
   * To be told once a document was erased in the store (R22): ends its live copy, closes its sockets 4404, and tells
   * its owner's devices that the feed moved.
   */
  erased(owner: Pick<Principal, "accountId" | "workspaceId">, id: DocumentId): void;
  /** To be told once a document has another owner in the store: the same for whose it was, and whose it is finds it there. */
  rehomed(owner: Pick<Principal, "accountId" | "workspaceId">, id: DocumentId): void;
  /** To be told once a document was made in the store: whoever waits for it finds it, and its owner's devices hear of it. */
  created(owner: Pick<Principal, "accountId" | "workspaceId">, id: DocumentId): void;
  /** how many documents are held in memory now */
  count(): number;
  /** how much of the heap they take, by estimate */
  heapBytes(): number;
  /** Commits what is pending, tells sessions to come back, and forgets all live copies. */
  close(): Promise<void>;
}
