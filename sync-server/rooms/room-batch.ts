import * as Y from "yjs";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { LiveDocument } from "./live-document.ts";
import type { EditId, EditOutcome, LogRow, RoomEffect, SessionId } from "./room-events.ts";
import type { FreshRow, RoomSession, RoomSessions } from "./room-sessions.ts";
import { RELAY_ACTOR, checkUpdate } from "./update-check.ts";
import { DOCUMENT_LIMITS } from "./update-limits.ts";

/** Groups stay small enough that the first of them does not wait for the last (p50 1 ms at 64, 46 ms p99 at 512). */
const BATCH_ROWS = 128;
const BATCH_BYTES = 4 * 1024 * 1024;

/** What waits to be applied, in the order it came. */
export type Inbound =
  | { type: "update"; session: SessionId; frame: number; update: Uint8Array }
  | { type: "edit"; edit: EditId; change: (conversation: ConversationDocument) => void };

/** Changes that were applied to the live copy and are to be stored together. */
export interface Batch {
  rows: (LogRow & FreshRow)[];
  clients: [clientId: number, actor: string][];
  /** up to which document frame each session is settled once the rows are stored */
  settles: Map<SessionId, number>;
  edits: EditId[];
  /** the state vector without these rows */
  before: Uint8Array;
  bytes: number;
  /** the live copy must be rebuilt from the log: an update left it in doubt (R14) */
  broken: boolean;
}

export interface BatchContext {
  live: LiveDocument;
  sessions: RoomSessions;
  bindings: Map<number, string>;
  headSeq: number;
  exists: boolean;
  /** bytes of the checkpoint and the rows after it */
  storedBytes: number;
  emit(effect: RoomEffect): void;
}

/** Applies what waits, in order, until the inbox is empty or the batch is full. Takes from the front of `inbox`. */
export function fillBatch(inbox: Inbound[], context: BatchContext): Batch {
  const batch: Batch = {
    rows: [],
    clients: [],
    settles: new Map(),
    edits: [],
    before: context.live.stateVector(),
    bytes: 0,
    broken: false,
  };
  let taken = 0;
  while (taken < inbox.length && batch.rows.length < BATCH_ROWS && batch.bytes < BATCH_BYTES && !batch.broken) {
    const next = inbox[taken];
    taken += 1;
    if (next?.type === "update") takeUpdate(next, batch, context);
    else if (next?.type === "edit") takeEdit(next, batch, context);
  }
  inbox.splice(0, taken);
  return batch;
}

function takeUpdate(item: Extract<Inbound, { type: "update" }>, batch: Batch, context: BatchContext): void {
  const session = context.sessions.get(item.session);
  if (session === undefined) return;
  context.sessions.taken(session, item.update.byteLength);
  batch.settles.set(session.session, item.frame);

  const mayWrite = context.exists || batch.rows.length > 0 ? session.mayWrite : session.mayClaim;
  if (!mayWrite) return context.sessions.refuse(session, item.frame, "denied");
  if (context.storedBytes + batch.bytes + item.update.byteLength > DOCUMENT_LIMITS.bytes) {
    return context.sessions.refuse(session, item.frame, "quota");
  }
  const checked = checkUpdate(context.live.doc, context.bindings, session.actor, item.update);
  if (!checked.ok) return context.sessions.refuse(session, item.frame, checked.failure);

  const applied = context.live.apply(item.update);
  if (applied.type === "broken") return breakOff(session, batch, context);
  if (applied.type === "unchanged") return;
  addRow(batch, context, session.actor, applied.bytes, session.session);
  for (const client of checked.value) bind(batch, context, client, session.actor);
}

function breakOff(session: RoomSession, batch: Batch, context: BatchContext): void {
  batch.broken = true;
  context.emit({ type: "noticed", what: "broken-update", session: session.session });
  context.sessions.close(session.session, CloseCode.invalid, "invalid");
}

function takeEdit(item: Extract<Inbound, { type: "edit" }>, batch: Batch, context: BatchContext): void {
  const settled = (outcome: EditOutcome): void => context.emit({ type: "settled", edit: item.edit, outcome });
  if (!context.exists && batch.rows.length === 0) return settled({ ok: false, failure: "unknown" });
  const { live } = context;
  const applied = live.edit(item.change);
  if (applied.type === "broken") {
    batch.broken = true;
    return settled({ ok: false, failure: "threw", error: applied.error });
  }
  batch.edits.push(item.edit);
  if (applied.type === "unchanged") return;
  addRow(batch, context, RELAY_ACTOR, applied.bytes, undefined);
  const { clientID, store } = live.doc;
  if (Y.getState(store, clientID) > 0 && !context.bindings.has(clientID)) bind(batch, context, clientID, RELAY_ACTOR);
}

function addRow(
  batch: Batch,
  context: BatchContext,
  actor: string,
  bytes: Uint8Array,
  from: SessionId | undefined,
): void {
  batch.rows.push({ seq: context.headSeq + batch.rows.length + 1, bytes, actor, from });
  batch.bytes += bytes.byteLength;
}

function bind(batch: Batch, context: BatchContext, client: number, actor: string): void {
  context.bindings.set(client, actor);
  batch.clients.push([client, actor]);
}
