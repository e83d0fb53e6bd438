import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Kysely } from "kysely";
import type { AccountId, ConversationId, WorkspaceId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { CommitStatement } from "#server/storage/database.ts";
import type { Schema } from "#server/storage/schema.ts";
import { UNCLAIMED } from "./room-events.ts";
import type { CommitBatch, DocumentLog } from "./room-events.ts";

/** Which document a room holds, and for whom. */
export interface RoomKey {
  id: ConversationId;
  accountId: AccountId;
  workspaceId: WorkspaceId;
}

const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

/** A compaction between two reads can take rows away once; three tries outlast any schedule of them. */
const READ_TRIES = 3;

/**
 * Reads everything a room needs. `unknown` where the document is another account's; a document nobody wrote
 * yet is an empty log. `unavailable` where the log has holes, or bytes of it are not what was written.
 */
export async function readLog(
  db: Kysely<Schema>,
  key: RoomKey,
): Promise<Result<DocumentLog, "unknown" | "unavailable">> {
  for (let attempt = 0; attempt < READ_TRIES; attempt++) {
    const row = await db.selectFrom("document").selectAll().where("id", "=", key.id).executeTakeFirst();
    if (row === undefined) return ok(UNCLAIMED);
    if (row.owner_id !== key.accountId || row.workspace_id !== key.workspaceId) return err("unknown");
    const parts = await readParts(db, key.id, row.epoch, row.checkpoint_seq, row.head_seq);
    if (parts !== undefined) {
      const { epoch, head_seq: headSeq, checkpoint_seq: checkpointSeq, summary, summary_seq: summarySeq } = row;
      return ok({ exists: true, epoch, headSeq, checkpointSeq, summary, summarySeq, ...parts });
    }
  }
  return err("unavailable");
}

async function readParts(
  db: Kysely<Schema>,
  id: string,
  epoch: number,
  checkpointSeq: number,
  headSeq: number,
): Promise<Pick<DocumentLog, "checkpoint" | "tail" | "clients"> | undefined> {
  const [rows, checkpoint, clients] = await Promise.all([
    db
      .selectFrom("doc_update")
      .select(["seq", "bytes", "crc"])
      .where("document_id", "=", id)
      .where("epoch", "=", epoch)
      .where("seq", ">", checkpointSeq)
      .where("seq", "<=", headSeq)
      .orderBy("seq")
      .execute(),
    db
      .selectFrom("doc_checkpoint")
      .select(["bytes", "sha256"])
      .where("document_id", "=", id)
      .where("epoch", "=", epoch)
      .where("through_seq", "=", checkpointSeq)
      .executeTakeFirst(),
    db
      .selectFrom("doc_client")
      .select(["client_id", "actor_id"])
      .where("document_id", "=", id)
      .where("epoch", "=", epoch)
      .execute(),
  ]);
  const gapless = rows.length === headSeq - checkpointSeq && rows.every((row, i) => row.seq === checkpointSeq + i + 1);
  if (!gapless || (checkpointSeq > 0 && !checkpoint)) return undefined;
  if (rows.some(({ bytes, crc }) => crc !== null && crc32(bytes) !== crc)) return undefined;
  if (checkpoint && !sha256(checkpoint.bytes).equals(checkpoint.sha256)) return undefined;
  return {
    checkpoint: checkpoint?.bytes,
    tail: rows.map((row) => row.bytes),
    clients: clients.map((row) => [row.client_id, row.actor_id] as const),
  };
}

/** The statements of one batch: the document row first, whose compare-and-set guards all others. */
export function commitStatements(db: Kysely<Schema>, key: RoomKey, batch: CommitBatch): CommitStatement[] {
  const statements = [batch.claim ? claimStatement(db, key, batch) : headStatement(db, key, batch)];
  const { epoch, at } = batch;
  for (const { seq, bytes, actor } of batch.rows) {
    const row = { document_id: key.id, epoch, seq, bytes, crc: crc32(bytes), actor_id: actor, created_at: at };
    statements.push({ query: db.insertInto("doc_update").values(row).compile(), changes: 1 });
  }
  for (const [client, actor] of batch.clients) {
    const row = { document_id: key.id, epoch, client_id: client, actor_id: actor };
    statements.push({ query: db.insertInto("doc_client").values(row).compile(), changes: 1 });
  }
  if (batch.summary !== undefined) statements.push(...feedStatements(db, key));
  return statements;
}

function claimStatement(db: Kysely<Schema>, key: RoomKey, batch: CommitBatch): CommitStatement {
  const row = {
    id: key.id,
    kind: "conversation" as const,
    workspace_id: key.workspaceId,
    owner_id: key.accountId,
    epoch: batch.epoch,
    head_seq: batch.headSeq,
    checkpoint_seq: 0,
    summary_seq: batch.summary === undefined ? 0 : batch.headSeq,
    summary: batch.summary ?? EMPTY_SUMMARY,
    activity_at: batch.at,
    created_at: batch.at,
  };
  return { query: db.insertInto("document").values(row).compile(), changes: 1 };
}

const EMPTY_SUMMARY = JSON.stringify({
  title: "",
  excerpt: "",
  pinned: false,
  archived: false,
  deleted: false,
  tags: [],
  messageCount: 0,
});

function headStatement(db: Kysely<Schema>, key: RoomKey, batch: CommitBatch): CommitStatement {
  const query = db
    .updateTable("document")
    .set({
      head_seq: batch.headSeq,
      ...(batch.rows.length > 0 && { activity_at: batch.at }),
      ...(batch.summary !== undefined && { summary: batch.summary, summary_seq: batch.headSeq }),
    })
    .where("id", "=", key.id)
    .where("epoch", "=", batch.epoch)
    .where("head_seq", "=", batch.expectedHead)
    .compile();
  return { query, changes: 1 };
}

/** Moves the document to the end of its owner's feed, under a number nobody had before. */
function feedStatements(db: Kysely<Schema>, { id, accountId, workspaceId }: RoomKey): CommitStatement[] {
  const account = { account_id: accountId, workspace_id: workspaceId };
  const counter = db
    .insertInto("feed_counter")
    .values({ ...account, last: 1 })
    .onConflict((on) =>
      on.columns(["account_id", "workspace_id"]).doUpdateSet((eb) => ({ last: eb("feed_counter.last", "+", 1) })),
    );
  const last = db
    .selectFrom("feed_counter")
    .select("last")
    .where("account_id", "=", accountId)
    .where("workspace_id", "=", workspaceId);
  const place = db
    .insertInto("feed")
    .values({ ...account, document_id: id, feed_seq: last })
    .onConflict((on) =>
      on
        .columns(["account_id", "workspace_id", "document_id"])
        .doUpdateSet((eb) => ({ feed_seq: eb.ref("excluded.feed_seq") })),
    );
  return [
    { query: counter.compile(), changes: 1 },
    { query: place.compile(), changes: 1 },
  ];
}

/**
 * The statements that swap a folded state in (R17). Rows it contains go at once: what they hold of deleted
 * text must not outlive the deletion, and the checkpoint before is kept for repair by the schema.
 */
export function compactionStatements(
  db: Kysely<Schema>,
  key: RoomKey,
  fold: { epoch: number; expectedCheckpoint: number; through: number; bytes: Uint8Array; at: number },
): CommitStatement[] {
  const { epoch, through, bytes, at } = fold;
  const swap = db
    .updateTable("document")
    .set({ checkpoint_seq: through })
    .where("id", "=", key.id)
    .where("epoch", "=", epoch)
    .where("checkpoint_seq", "=", fold.expectedCheckpoint);
  const row = { document_id: key.id, epoch, through_seq: through, bytes, sha256: sha256(bytes), created_at: at };
  const folded = db
    .deleteFrom("doc_update")
    .where("document_id", "=", key.id)
    .where("epoch", "=", epoch)
    .where("seq", "<=", through);
  return [
    { query: swap.compile(), changes: 1 },
    { query: db.insertInto("doc_checkpoint").values(row).compile() },
    { query: folded.compile() },
  ];
}
