import { createHash } from "node:crypto";
import * as Y from "yjs";
import { openConversation } from "#shared/documents/conversation.ts";
import { thawInto } from "#shared/documents/thaw-snapshot.ts";
import { contentIdOf } from "#shared/domain/frozen-content.ts";
import type { FrozenContent, FrozenMessage, Manifest } from "#shared/domain/frozen-content.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import type { SnapshotSummary } from "#shared/domain/snapshot.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { DuplicateSnapshot } from "#shared/protocol/snapshot-bodies.ts";
import { actorOf, relayOf } from "#server/access/principal.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import { openTenant } from "#server/access/tenant.ts";
import { commitStatements } from "#server/rooms/log-statements.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import { DOCUMENT_LIMITS } from "#server/rooms/update-limits.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import { readSnapshot } from "./read-snapshots.ts";

export interface DuplicateParts {
  database: Database;
  rooms: Pick<Rooms, "read" | "created">;
  /** ms since 1970 */
  clock: { now(): number };
}

export type DuplicateFailure = "not_found" | "gone" | "conversation_id_reused" | "body_too_large";
type Duplicated = Result<{ created: boolean }, DuplicateFailure>;

/**
 * As whom the server marks the conversation that it makes of a snapshot (a Yjs client id): what is written by it stays in
 * the document for ever, and so tells that this command made it, whatever became of it since. It writes what is the same
 * each time and nothing else, because two documents must not have different content under one client id.
 */
const markerOf = (id: SnapshotId, conversationId: ConversationId): number =>
  createHash("sha256").update(`duplicate ${id} ${conversationId}`).digest().readUInt32BE();

/**
 * Makes a conversation of what was frozen, under an id that the caller made. Asked again, it is there, also when another
 * snapshot was restored into it; an id of somebody else's is like a snapshot that never was. Rejects with `CommitError`
 * where it could not be stored.
 */
export async function duplicateSnapshot(
  parts: DuplicateParts,
  principal: AccountPrincipal,
  id: SnapshotId,
  { conversationId, title }: DuplicateSnapshot,
): Promise<Duplicated> {
  const read = await readSnapshot(parts.database, principal, id, "snapshot.duplicate");
  if (!read.ok) return read;
  const made = conversationId as ConversationId;
  const before = await findDuplicate(parts, principal, id, made);
  if (before) return before;
  const { summary, manifest, messages } = read.value;
  const content = {
    manifest: JSON.parse(manifest) as Manifest,
    messages: messages.map((text) => JSON.parse(text) as FrozenMessage),
  };
  const named = title ?? (JSON.parse(summary) as SnapshotSummary).title;
  const { doc, summary: shown } = thaw(id, content, named.toWellFormed(), markerOf(id, made));
  const bytes = Y.encodeStateAsUpdate(doc);
  if (bytes.byteLength > DOCUMENT_LIMITS.bytes) return err("body_too_large");
  try {
    await claim(parts, principal, made, { bytes, clientIds: [markerOf(id, made), doc.clientID], summary: shown });
  } catch (error) {
    if (!(error instanceof CommitError) || error.failure !== "conflict") throw error;
    const other = await findDuplicate(parts, principal, id, made);
    if (other) return other;
    throw error;
  }
  parts.rooms.created(principal, made);
  return ok({ created: true });
}

/** What to say of an id that is taken; `undefined` for one that is not. */
async function findDuplicate(
  { database, rooms }: DuplicateParts,
  principal: AccountPrincipal,
  id: SnapshotId,
  conversationId: ConversationId,
): Promise<Duplicated | undefined> {
  const room = await openTenant(database, principal).room(conversationId);
  if (room === "unclaimed") return undefined;
  if (room === "foreign") return err("not_found");
  if (room.erased) return err("gone");
  const marker = markerOf(id, conversationId);
  const isDuplicate = await rooms.read(principal, conversationId, ({ doc }) => Y.getState(doc.store, marker) > 0);
  return isDuplicate ? ok({ created: false }) : err("conversation_id_reused");
}

function thaw(snapshotId: SnapshotId, content: FrozenContent, title: string, marker: number) {
  const doc = new Y.Doc();
  const own = doc.clientID;
  const conversation = openConversation(doc, "relay");
  const origin = { snapshotId, contentId: contentIdOf(content.manifest) };
  // Of all that is written, the origin alone is the same each time.
  doc.clientID = marker;
  conversation.setOrigin(origin);
  doc.clientID = own;
  conversation.rename(title);
  thawInto(conversation, content, origin);
  const summary = JSON.stringify(conversation.summary());
  conversation.close();
  return { doc, summary };
}

async function claim(
  { database, clock }: DuplicateParts,
  principal: AccountPrincipal,
  id: ConversationId,
  { bytes, clientIds, summary }: { bytes: Uint8Array; clientIds: readonly number[]; summary: string },
): Promise<void> {
  const { accountId, workspaceId } = principal;
  const actor = actorOf(relayOf(principal));
  const batch = {
    epoch: 0,
    expectedHead: 0,
    headSeq: 1,
    rows: [{ seq: 1, bytes, actor }],
    clients: clientIds.map((clientId) => [clientId, actor] as const),
    claim: true,
    summary,
    at: clock.now(),
  };
  await database.commit(commitStatements(database, { id, accountId, workspaceId }, batch));
}
