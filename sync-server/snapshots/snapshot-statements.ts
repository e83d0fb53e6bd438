import { sql } from "kysely";
import type { DocumentId } from "#shared/domain/ids.ts";
import type { RoomKey } from "#server/rooms/room-log.ts";
import type { CommitStatement, Database } from "#server/storage/database.ts";
import type { SnapshotTable } from "#server/storage/schema.ts";
import { systemTables } from "#server/storage/system-tables.ts";

type Store = Pick<Database, "executor">;
type Owner = Pick<RoomKey, "accountId" | "workspaceId">;

const snapshotTables = (store: Store) => systemTables<"snapshot" | "frozen_message">(store);

/** So many messages of five values each go into one statement: SQLite takes 32,766 values. */
const AT_ONCE = 500;

/** Stores that there is a snapshot; conflicts where the number is taken. */
export const snapshotStatement = (store: Store, row: SnapshotTable): CommitStatement => ({
  query: snapshotTables(store).insertInto("snapshot").values(row).compile(),
  changes: 1,
});

/** Whose a frozen message is, and of which conversation. */
type Series = Pick<SnapshotTable, "owner_id" | "workspace_id" | "conversation_id">;

/** Stores frozen messages, in steps between which others may have their turn. @param bodies canonical JSON, by place */
export function* frozenStatements(
  store: Store,
  { owner_id, workspace_id, conversation_id }: Series,
  hashes: readonly string[],
  bodies: readonly string[],
): Generator<void, CommitStatement[]> {
  const statements: CommitStatement[] = [];
  for (let from = 0; from < hashes.length; from += AT_ONCE) {
    const rows = hashes
      .slice(from, from + AT_ONCE)
      .map((hash, at) => ({ owner_id, workspace_id, conversation_id, hash, body: bodies[from + at] ?? "" }));
    const insert = snapshotTables(store)
      .insertInto("frozen_message")
      .values(rows)
      // What another snapshot of the conversation holds is there.
      .onConflict((on) => on.doNothing());
    statements.push({ query: insert.compile() });
    yield;
  }
  return statements;
}

/**
 * Makes a snapshot somebody else's, with the messages it holds: they are stored anew, at the end of what its new owner
 * has of the conversation, so that a device that looks after a place finds them. Does nothing for an id that is no
 * snapshot; conflicts where the number is taken.
 */
export function rehomeFrozen(
  store: Store,
  id: DocumentId,
  from: Owner,
  to: Owner,
  number: number | undefined,
): CommitStatement[] {
  const db = snapshotTables(store);
  const conversation = db.selectFrom("snapshot").where("id", "=", id).select("conversation_id");
  const messages = db
    .selectFrom("frozen_message")
    .where("owner_id", "=", from.accountId)
    .where("workspace_id", "=", from.workspaceId)
    .where("conversation_id", "=", conversation);
  const copy = db
    .insertInto("frozen_message")
    .columns(["owner_id", "workspace_id", "conversation_id", "hash", "body"])
    .expression(
      messages
        .orderBy("seq")
        .select(({ val }) => [
          val(to.accountId).as("owner_id"),
          val(to.workspaceId).as("workspace_id"),
          "conversation_id",
          "hash",
          "body",
        ]),
    )
    .onConflict((on) => on.doNothing());
  const move = db
    .updateTable("snapshot")
    .set({ owner_id: to.accountId, workspace_id: to.workspaceId, ...(number !== undefined && { number }) })
    .where("id", "=", id)
    .where("owner_id", "=", from.accountId)
    .where("workspace_id", "=", from.workspaceId);
  const tidy = db
    .deleteFrom("frozen_message")
    .where("owner_id", "=", from.accountId)
    .where("workspace_id", "=", from.workspaceId)
    .where("conversation_id", "=", conversation)
    // What other snapshots hold goes with the last of them.
    .where(({ exists, not, selectFrom }) =>
      not(
        exists(
          selectFrom("snapshot")
            .where("owner_id", "=", from.accountId)
            .where("workspace_id", "=", from.workspaceId)
            .where("conversation_id", "=", conversation)
            .select("id"),
        ),
      ),
    );
  return [copy, move, tidy].map((query) => ({ query: query.compile() }));
}

/**
 * Erases what was frozen of a snapshot: what no other snapshot of its conversation holds. Its row stays, so that its
 * number is never given again. Does nothing for an id that is no snapshot.
 */
export function eraseFrozen(store: Store, { accountId, workspaceId }: Owner, id: DocumentId): CommitStatement[] {
  const db = snapshotTables(store);
  const wipe = db
    .updateTable("snapshot")
    .set({ fingerprint: "", content_id: "", manifest: "", head: null })
    .where("id", "=", id)
    .where("owner_id", "=", accountId)
    .where("workspace_id", "=", workspaceId);
  const conversation = db.selectFrom("snapshot").where("id", "=", id).select("conversation_id");
  const ofSeries = db
    .selectFrom("snapshot")
    .where("owner_id", "=", accountId)
    .where("workspace_id", "=", workspaceId)
    .where("conversation_id", "=", conversation);
  const prune = db
    .withRecursive("reached(hash)", (cte) =>
      ofSeries
        .where("head", "is not", null)
        .select("head as hash")
        .union(
          cte
            .selectFrom("reached")
            // Not an inner join, which SQLite may turn round: it would read all messages for each of them.
            .crossJoin("frozen_message")
            .whereRef("frozen_message.hash", "=", "reached.hash")
            .where("owner_id", "=", accountId)
            .where("workspace_id", "=", workspaceId)
            .where("conversation_id", "=", conversation)
            .select(({ ref }) => sql<string | null>`json_extract(${ref("body")}, '$.previous')`.as("hash")),
        ),
    )
    .deleteFrom("frozen_message")
    .where("owner_id", "=", accountId)
    .where("workspace_id", "=", workspaceId)
    .where("conversation_id", "=", conversation)
    .where("hash", "not in", ({ selectFrom }) => selectFrom("reached").where("hash", "is not", null).select("hash"));
  return [{ query: wipe.compile() }, { query: prune.compile() }];
}
