import * as Y from "yjs";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import type { NackCode } from "#shared/protocol/sync-frames.ts";
import type { DocumentKind } from "#shared/domain/room-name.ts";
import type { DocumentView } from "./document-kinds.ts";
import { storedBytes } from "./log-facts.ts";
import type { LiveDocument } from "./live-document.ts";
import type { EditId, EditOutcome, LogRow, RoomEffect, SessionId } from "./room-events.ts";
import type { RoomMemory } from "./room-memory.ts";
import type { FreshRow, RoomSession, RoomSessions } from "./room-sessions.ts";
import { RELAY_ACTOR, checkUpdate } from "./update-check.ts";
import { DOCUMENT_LIMITS } from "./update-limits.ts";

/** Batches stay small enough that the first of them does not wait for the last (p50 1 ms at 64, 46 ms p99 at 512). */
const BATCH_UPDATES = 128;
const BATCH_BYTES = 4 * 1024 * 1024;
/** What one author sent in a row is one row of the log, up to a length that any transport takes at once. */
const RUN_BYTES = 64 * 1024;

/** What waits to be applied, in the order it came. */
export type Inbound =
  | { type: "update"; session: SessionId; frame: number; update: Uint8Array }
  | { type: "edit"; edit: EditId; kind: DocumentKind; change: (view: DocumentView) => void };

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
  checkpointBytes: number;
  tailBytes: number;
  memory: RoomMemory;
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
  while (taken < BATCH_UPDATES && batch.bytes < BATCH_BYTES && !batch.broken) {
    const next = inbox[taken];
    if (next === undefined) break;
    if (next.type === "edit") {
      taken += 1;
      takeEdit(next, batch, context);
    } else {
      const run = runFrom(inbox, taken, next);
      taken += run.length;
      takeRun(run, batch, context);
    }
  }
  inbox.splice(0, taken);
  return batch;
}

type InboundUpdate = Extract<Inbound, { type: "update" }>;

/** What the session of an update sent right after it, as much as one row may hold. */
function runFrom(inbox: readonly Inbound[], start: number, first: InboundUpdate): InboundUpdate[] {
  const run = [first];
  let bytes = first.update.byteLength;
  for (let at = start + 1; at < inbox.length && at < BATCH_UPDATES; at++) {
    const next = inbox[at];
    if (next?.type !== "update" || next.session !== first.session) break;
    bytes += next.update.byteLength;
    if (bytes > RUN_BYTES) break;
    run.push(next);
  }
  return run;
}

function takeRun(run: readonly InboundUpdate[], batch: Batch, context: BatchContext): void {
  const { sessions, live } = context;
  const id = run[0]?.session;
  const session = id === undefined ? undefined : sessions.get(id);
  if (session === undefined) return;
  const fresh: number[] = [];
  let bytes = 0;
  const applied = live.applyAll((apply) => {
    for (const { frame, update } of run) {
      sessions.taken(session, update.byteLength);
      batch.settles.set(session.session, frame);
      const refusal = judge(session, update, fresh, bytes, batch, context);
      if (refusal === undefined) {
        apply(update);
        bytes += update.byteLength;
      } else if (refusal === "crowded") sessions.sendAway(session, refusal);
      else sessions.refuse(session, frame, refusal);
      // Whoever was closed for what they sent is not heard further.
      if (sessions.get(session.session) === undefined) return;
    }
  });
  if (applied.type === "broken") return breakOff(session, batch, context);
  if (applied.type === "unchanged") return;
  addRow(batch, context, session.actor, applied.bytes, session.session);
  context.memory.holds(context.live.weight(storedBytes(context) + batch.bytes));
  for (const client of fresh) batch.clients.push([client, session.actor]);
}

/**
 * Whether the document may take an update now; binds the clientIDs it uses for the first time, and adds them to `fresh`.
 * @param bytes what was taken of the same run before it
 */
function judge(
  session: RoomSession,
  update: Uint8Array,
  fresh: number[],
  bytes: number,
  batch: Batch,
  context: BatchContext,
): NackCode | "crowded" | undefined {
  const { live, bindings, exists } = context;
  // An update that says nothing makes no document of it.
  const isThere = exists || live.doc.store.clients.size > 0;
  if (!(isThere ? session.mayWrite && !live.isFrozen : session.mayClaim)) return "denied";
  if (storedBytes(context) + batch.bytes + bytes + update.byteLength > DOCUMENT_LIMITS.bytes) return "quota";
  const checked = checkUpdate(live.doc, bindings, session.actor, update);
  if (!checked.ok) return checked.failure;
  // Only what was found to be within the limits can be weighed without filling the heap.
  const room = context.memory.mayTake(update);
  if (room !== "fits") return room === "too-big" ? "quota" : room;
  for (const client of checked.value) {
    bindings.set(client, session.actor);
    fresh.push(client);
  }
  return undefined;
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
  if (live.view.kind !== item.kind) return settled({ ok: false, failure: "unknown" });
  const applied = live.edit(item.change);
  if (applied.type === "broken") {
    batch.broken = true;
    return settled({ ok: false, failure: "threw", error: applied.error });
  }
  batch.edits.push(item.edit);
  if (applied.type === "unchanged") return;
  addRow(batch, context, RELAY_ACTOR, applied.bytes, undefined);
  const { clientID, store } = live.doc;
  if (Y.getState(store, clientID) === 0 || context.bindings.has(clientID)) return;
  context.bindings.set(clientID, RELAY_ACTOR);
  batch.clients.push([clientID, RELAY_ACTOR]);
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
