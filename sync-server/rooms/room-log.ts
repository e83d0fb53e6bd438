import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Kysely } from "kysely";
import type { AccountId, ConversationId, WorkspaceId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { Schema } from "#server/storage/schema.ts";
import { UNCLAIMED } from "./room-events.ts";
import type { DocumentLog } from "./room-events.ts";

/** Which document a room holds, and for whom. */
export interface RoomKey {
  id: ConversationId;
  accountId: AccountId;
  workspaceId: WorkspaceId;
}

export const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

/** A compaction between two reads can take rows away once; three tries outlast any schedule of them. */
const READ_TRIES = 3;

/**
 * Reads everything a room needs. `unknown` where the document is another account's, or erased (R22); a document nobody
 * wrote yet is an empty log. `unavailable` where the log has holes, or bytes of it are not what was written.
 */
export async function readLog(
  db: Kysely<Schema>,
  key: RoomKey,
): Promise<Result<DocumentLog, "unknown" | "unavailable">> {
  for (let attempt = 0; attempt < READ_TRIES; attempt++) {
    const row = await db.selectFrom("document").selectAll().where("id", "=", key.id).executeTakeFirst();
    if (row === undefined) return ok(UNCLAIMED);
    const isOwn = row.owner_id === key.accountId && row.workspace_id === key.workspaceId;
    if (!isOwn || row.erased_at !== null) return err("unknown");
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
