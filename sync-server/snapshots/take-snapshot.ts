import * as Y from "yjs";
import { openSnapshot } from "#shared/documents/snapshot.ts";
import type { NewSnapshot } from "#shared/documents/snapshot.ts";
import { contentIdOf, hashOf, modelOf } from "#shared/domain/frozen-content.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { excerptOf } from "#shared/domain/summary.ts";
import { canonicalJson } from "#shared/lib/canonical-json.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { asFrozenMessage, asManifest } from "#shared/protocol/snapshot-bodies.ts";
import type { TakeSnapshot } from "#shared/protocol/snapshot-bodies.ts";
import { authorize } from "#server/access/authorize.ts";
import { actorOf, relayOf } from "#server/access/principal.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import { openSnapshotTenant } from "#server/access/snapshot-tenant.ts";
import { openTenant } from "#server/access/tenant.ts";
import { commitStatements } from "#server/rooms/log-statements.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import { CommitError } from "#server/storage/database.ts";
import type { CommitStatement, Database } from "#server/storage/database.ts";
import { findContent } from "./frozen-source.ts";
import type { CheckedContent, SourceFailure, SourceParts, Wish } from "./frozen-source.ts";
import { inSlices } from "#server/lib/in-slices.ts";
import type { Queues } from "./queues.ts";
import { frozenStatements, snapshotStatement } from "./snapshot-statements.ts";

export interface TakeParts extends SourceParts {
  rooms: Pick<Rooms, "read" | "waitFor" | "created">;
  /** `now`: ms since 1970 */
  clock: SourceParts["clock"] & { now(): number };
  /** a number in [0, 1) */
  random: () => number;
  /** one for each conversation whose snapshots get their numbers */
  queues: Queues;
}

export type TakeFailure = SourceFailure | { code: "snapshot_id_reused" | "gone" };
/** Whether it was made now, or was there. */
type Taken = Result<{ created: boolean }, TakeFailure>;

/** How often another process may take the number that was to be given. */
const MOST_TRIES = 5;
/** Clients of Yjs draw theirs from the same range. */
const CLIENT_IDS = 2 ** 32;

/**
 * Freezes. What was asked before is there and answered again; the same id for other content is refused, and an id of
 * somebody else's like one that never was. Everything of a snapshot is stored in one commit. Rejects with `CommitError`
 * where it could not be.
 */
export async function takeSnapshot(parts: TakeParts, principal: AccountPrincipal, body: TakeSnapshot): Promise<Taken> {
  const wish = wishOf(body);
  const fingerprint = fingerprintOf(wish);
  const before = await replay(parts.database, principal, body.id, fingerprint);
  if (before) return before;
  if (!authorize(principal, "snapshot.create", undefined)) return err({ code: "not_found" });
  if (!(await mayBeOf(parts.database, principal, wish.conversationId))) return err({ code: "not_found" });
  const content = await findContent(parts, principal, wish);
  if (!content.ok) return content;
  const { accountId, workspaceId } = principal;
  const { hashes, texts } = content.value;
  const owner = { owner_id: accountId, workspace_id: workspaceId, conversation_id: wish.conversationId };
  const frozen = await inSlices(frozenStatements(parts.database, owner, hashes, texts));
  const series = `${accountId}/${workspaceId}/${wish.conversationId}`;
  const sealing = { fingerprint, content: content.value, frozen };
  return await parts.queues.pass(series, () => seal(parts, principal, body, sealing));
}

function wishOf({ conversationId, leaf, manifest, messages }: TakeSnapshot): Wish {
  return {
    conversationId: conversationId as ConversationId,
    leaf,
    manifest: manifest && asManifest(manifest),
    messages: messages?.map(asFrozenMessage),
  };
}

/** Of what is frozen, and not of its labels: whoever renames what was not answered yet asks for the same. */
const fingerprintOf = ({ conversationId, leaf, manifest }: Wish): string =>
  hashOf({ conversationId, ...(manifest ? { contentId: contentIdOf(manifest) } : { leaf: leaf ?? null }) });

/** What to say of an id that is taken; `undefined` for one that is not. */
async function replay(
  database: Database,
  principal: AccountPrincipal,
  id: string,
  fingerprint: string,
): Promise<Taken | undefined> {
  const resource = await openTenant(database, principal).documentResource(id);
  if (resource === undefined) return undefined;
  if (!authorize(principal, "snapshot.read", resource)) return err({ code: "not_found" });
  const row = await openSnapshotTenant(database, principal).snapshot(id);
  if (row?.erased_at) return err({ code: "gone" });
  return row?.fingerprint === fingerprint ? ok({ created: false }) : err({ code: "snapshot_id_reused" });
}

/** Whether a snapshot may be of a conversation: the principal's own, or one that is nowhere, as what was imported. */
async function mayBeOf(database: Database, principal: AccountPrincipal, id: ConversationId): Promise<boolean> {
  const room = await openTenant(database, principal).room(id);
  return room === "unclaimed" || (room !== "foreign" && room.kind === "conversation");
}

interface Sealing {
  fingerprint: string;
  content: CheckedContent;
  /** what stores its messages */
  frozen: readonly CommitStatement[];
}

async function seal(
  parts: TakeParts,
  principal: AccountPrincipal,
  body: TakeSnapshot,
  sealing: Sealing,
): Promise<Taken> {
  const { database, rooms } = parts;
  const tenant = openSnapshotTenant(database, principal);
  for (let tries = 1; ; tries++) {
    const before = await replay(database, principal, body.id, sealing.fingerprint);
    if (before) return before;
    const number = (await tenant.lastNumber(body.conversationId)) + 1;
    try {
      await database.commit(statementsFor(parts, principal, { ...sealing, body, number }));
    } catch (error) {
      const isRace = error instanceof CommitError && error.failure === "conflict" && tries < MOST_TRIES;
      if (!isRace) throw error;
      continue;
    }
    rooms.created(principal, body.id as SnapshotId);
    return ok({ created: true });
  }
}

/** The document with its first update, what lists show of it, and what was frozen. */
function statementsFor(
  { database, clock, random }: TakeParts,
  principal: AccountPrincipal,
  { body, fingerprint, content, frozen, number }: Sealing & { body: TakeSnapshot; number: number },
): CommitStatement[] {
  const { accountId, workspaceId } = principal;
  const { manifest, messages, title } = content;
  const stamped = { id: body.id as SnapshotId, number, createdAt: clock.now(), createdBy: accountId };
  const snapshot: NewSnapshot = {
    ...stamped,
    conversationId: body.conversationId as ConversationId,
    manifest,
    model: modelOf(content),
    excerpt: excerptOf((messages[0]?.text ?? "").slice(0, 400)),
    title: (body.title ?? title).toWellFormed(),
    note: (body.note ?? "").toWellFormed(),
    tags: (body.tags ?? []).map((tag) => tag.toWellFormed()),
  };
  const row = {
    id: snapshot.id,
    owner_id: accountId,
    workspace_id: workspaceId,
    conversation_id: snapshot.conversationId,
    number,
    fingerprint,
    content_id: contentIdOf(manifest),
    manifest: canonicalJson(manifest),
    head: manifest.head,
    created_at: snapshot.createdAt,
    created_by: accountId,
  };
  return [
    ...documentStatements(database, principal, snapshot, Math.floor(random() * CLIENT_IDS)),
    snapshotStatement(database, row),
    ...frozen,
  ];
}

function documentStatements(
  database: Database,
  principal: AccountPrincipal,
  snapshot: NewSnapshot,
  clientId: number,
): CommitStatement[] {
  const { accountId, workspaceId } = principal;
  const actor = actorOf(relayOf(principal));
  const doc = new Y.Doc();
  doc.clientID = clientId;
  const written = openSnapshot(doc, "relay");
  written.freeze(snapshot);
  const batch = {
    epoch: 0,
    expectedHead: 0,
    headSeq: 1,
    rows: [{ seq: 1, bytes: Y.encodeStateAsUpdate(doc), actor }],
    clients: [[clientId, actor] as const],
    claim: true,
    summary: JSON.stringify(written.summary()),
    at: snapshot.createdAt,
  };
  return commitStatements(database, { id: snapshot.id, accountId, workspaceId }, batch, "snapshot");
}
