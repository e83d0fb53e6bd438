import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Selectable } from "kysely";
import type { AccountId, DocumentId, WorkspaceId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { Database } from "#server/storage/database.ts";
import type { DocumentTable } from "#server/storage/schema.ts";
import { systemTables } from "#server/storage/system-tables.ts";
import { UNCLAIMED } from "./room-events.ts";
import type { DocumentLog } from "./room-events.ts";

/** Which document a room holds, and for whom. */
export interface RoomKey {
  id: DocumentId;
  accountId: AccountId;
  workspaceId: WorkspaceId;
}

const logTables = (database: Database) =>
  systemTables<"document" | "doc_update" | "doc_checkpoint" | "doc_client">(database);

export const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

/** A compaction between two reads can take rows away once; three tries outlast any schedule of them. */
const READ_TRIES = 3;

/**
 * Reads everything a room needs. `unknown` where the document is another account's, `erased` where it was the account's
 * (R22); a document nobody wrote yet is an empty log. `unavailable` where the log has holes, or bytes of it are not what was written.
 */
export async function readLog(
  database: Database,
  key: RoomKey,
): Promise<Result<DocumentLog, "unknown" | "erased" | "unavailable">> {
  const db = logTables(database);
  for (let attempt = 0; attempt < READ_TRIES; attempt++) {
    const row = await db.selectFrom("document").selectAll().where("id", "=", key.id).executeTakeFirst();
    if (row === undefined) return ok(UNCLAIMED);
    const isOwn = row.owner_id === key.accountId && row.workspace_id === key.workspaceId;
    if (!isOwn) return err("unknown");
    if (row.erased_at !== null) return err("erased");
    const [parts, clients] = await Promise.all([readParts(database, [row]), readClients(database, row)]);
    const own = parts.get(key.id);
    if (own !== undefined) {
      const { kind, epoch, head_seq: headSeq, checkpoint_seq: checkpointSeq, summary, summary_seq: summarySeq } = row;
      return ok({ exists: true, kind, epoch, headSeq, checkpointSeq, summary, summarySeq, clients, ...own });
    }
  }
  return err("unavailable");
}

/** Where the log of a document begins and ends, by its row. */
type LogEnds = Pick<Selectable<DocumentTable>, "id" | "epoch" | "checkpoint_seq" | "head_seq">;

export type LogParts = Pick<DocumentLog, "checkpoint" | "tail">;

/**
 * Reads the logs of some documents, two statements for all of them. Absent is a log that has holes, because it was folded
 * meanwhile or for good, and one with bytes that are not what was written: `readLog` tells which.
 */
export async function readParts(database: Database, documents: readonly LogEnds[]): Promise<Map<string, LogParts>> {
  const db = logTables(database);
  const ids = documents.map(({ id }) => id);
  const [rows, checkpoints] = await Promise.all([
    db
      .selectFrom("doc_update")
      .innerJoin("document", "document.id", "doc_update.document_id")
      .select(["document_id", "doc_update.epoch", "seq", "bytes", "crc"])
      .where("document_id", "in", ids)
      .whereRef("doc_update.epoch", "=", "document.epoch")
      .whereRef("seq", ">", "checkpoint_seq")
      .execute(),
    db
      .selectFrom("doc_checkpoint")
      .innerJoin("document", "document.id", "doc_checkpoint.document_id")
      .select(["document_id", "doc_checkpoint.epoch", "through_seq", "bytes", "sha256"])
      .where("document_id", "in", ids)
      .whereRef("doc_checkpoint.epoch", "=", "document.epoch")
      .whereRef("through_seq", "=", "checkpoint_seq")
      .execute(),
  ]);
  const rowsOf = new Map<string, StoredRow[]>(ids.map((id) => [id, []]));
  for (const row of rows) rowsOf.get(row.document_id)?.push(row);
  const checkpointOf = new Map(checkpoints.map((one) => [one.document_id, one]));
  const parts = new Map<string, LogParts>();
  for (const ends of documents) {
    const own = partsOf(ends, rowsOf.get(ends.id) ?? [], checkpointOf.get(ends.id));
    if (own) parts.set(ends.id, own);
  }
  return parts;
}

interface StoredRow {
  epoch: number;
  seq: number;
  bytes: Uint8Array;
  crc: number | null;
}

interface StoredCheckpoint {
  epoch: number;
  through_seq: number;
  bytes: Uint8Array;
  sha256: Uint8Array;
}

/** The document may have been written to since its row was read, or folded. */
function partsOf(
  { epoch, checkpoint_seq: from, head_seq: to }: LogEnds,
  stored: readonly StoredRow[],
  checkpoint: StoredCheckpoint | undefined,
): LogParts | undefined {
  const current = stored.filter((row) => row.epoch === epoch && row.seq > from && row.seq <= to);
  // Here and not by the database, which would sort their bytes too.
  const rows = current.toSorted((a, b) => a.seq - b.seq);
  const gapless = rows.length === to - from && rows.every((row, i) => row.seq === from + i + 1);
  const isFolded = checkpoint?.epoch === epoch && checkpoint.through_seq === from;
  if (!gapless || (from > 0 && !isFolded)) return undefined;
  if (rows.some(({ bytes, crc }) => crc !== null && crc32(bytes) !== crc)) return undefined;
  if (isFolded && !sha256(checkpoint.bytes).equals(checkpoint.sha256)) return undefined;
  return { checkpoint: isFolded ? checkpoint.bytes : undefined, tail: rows.map(({ bytes }) => bytes) };
}

/** Which account wrote as which Yjs client. */
async function readClients(database: Database, { id, epoch }: LogEnds): Promise<DocumentLog["clients"]> {
  const clients = await logTables(database)
    .selectFrom("doc_client")
    .select(["client_id", "actor_id"])
    .where("document_id", "=", id)
    .where("epoch", "=", epoch)
    .execute();
  return clients.map((row) => [row.client_id, row.actor_id] as const);
}
