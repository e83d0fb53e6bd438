import { crc32 } from "node:zlib";
import { sql } from "kysely";
import type { CommitStatement, Database } from "#server/storage/database.ts";
import { prepareQuery } from "#server/storage/prepared-query.ts";
import type { StoredQuery } from "#server/storage/prepared-query.ts";
import { systemTables } from "#server/storage/system-tables.ts";
import type { DocumentKind } from "#shared/domain/room-name.ts";
import type { SnapshotSummary } from "#shared/domain/snapshot.ts";
import type { ConversationSummary } from "#shared/domain/summary.ts";
import type { CommitBatch } from "./room-events.ts";
import { sha256 } from "./room-log.ts";
import type { RoomKey } from "./room-log.ts";

type Store = Pick<Database, "executor">;
type LogTables = ReturnType<typeof logTables>;

const logTables = (store: Store) =>
  systemTables<"document" | "doc_update" | "doc_checkpoint" | "doc_client" | "feed" | "feed_counter" | "guest_merge">(
    store,
  );

/**
 * The statements of one batch: the document row first, whose compare-and-set guards all others.
 * @param kind what a batch that claims makes of the id
 */
export function commitStatements(
  store: Store,
  key: RoomKey,
  batch: CommitBatch,
  kind: DocumentKind = "conversation",
): CommitStatement[] {
  const db = logTables(store);
  const statements = [
    { query: documentQuery(db, key, batch, kind), changes: 1 },
    ...(batch.claim ? [notMerged(db, key)] : []),
  ];
  const { epoch, at } = batch;
  for (const { seq, bytes, actor } of batch.rows) {
    const row = { document_id: key.id, epoch, seq, bytes, crc: crc32(bytes), actor_id: actor, created_at: at };
    statements.push({ query: insertUpdate(db, row), changes: 1 });
  }
  for (const [client, actor] of batch.clients) {
    const row = { document_id: key.id, epoch, client_id: client, actor_id: actor };
    statements.push({ query: insertClient(db, row), changes: 1 });
  }
  return batch.summary === undefined ? statements : [...statements, ...moveFeed(store, key, at)];
}

/** Moves a document to the end of its owner's feed. */
export function moveFeed(store: Store, key: RoomKey, at: number): CommitStatement[] {
  const db = logTables(store);
  const place = { account_id: key.accountId, workspace_id: key.workspaceId, document_id: key.id };
  return [
    { query: countFeed(db, { ...place, at: Math.floor(at) }), changes: 1 },
    { query: placeInFeed(db, place), changes: 1 },
  ];
}

function documentQuery(db: LogTables, key: RoomKey, batch: CommitBatch, kind: DocumentKind): StoredQuery {
  const { epoch, expectedHead, headSeq, at, summary } = batch;
  if (batch.claim) return claimStatement(db, key, batch, kind);
  const { id, accountId, workspaceId } = key;
  const head = { id, accountId, workspaceId, epoch, expectedHead, headSeq };
  if (summary === undefined) return moveHead(db, { ...head, at });
  const shown = { ...head, at, summary, deleted: isDeleted(summary) ? 1 : 0 };
  return batch.rows.length === 0 ? projectOnly(db, shown) : moveHeadAndProject(db, shown);
}

/**
 * Conflicts where whoever claims was a guest who signed in to an account: what they sent before and arrives after would
 * be taken as the guest's, whom nobody is any more.
 */
const notMerged = (db: LogTables, { accountId }: RoomKey): CommitStatement => ({
  query: db.updateTable("guest_merge").set({ guest_id: accountId }).where("guest_id", "=", accountId).compile(),
  changes: 0,
});

/** Written by the room itself in this shape. */
const isDeleted = (summary: string): boolean => (JSON.parse(summary) as ConversationSummary).deleted;

function claimStatement(db: LogTables, key: RoomKey, batch: CommitBatch, kind: DocumentKind): StoredQuery {
  const row = {
    id: key.id,
    kind,
    workspace_id: key.workspaceId,
    owner_id: key.accountId,
    epoch: batch.epoch,
    head_seq: batch.headSeq,
    checkpoint_seq: 0,
    summary_seq: batch.summary === undefined ? 0 : batch.headSeq,
    summary: batch.summary ?? EMPTY_SUMMARY,
    activity_at: batch.at,
    created_at: batch.at,
    ...(batch.summary !== undefined &&
      isDeleted(batch.summary) && { deleted_at: batch.at, deleted_seq: batch.headSeq }),
  };
  return db.insertInto("document").values(row).compile();
}

const NOTHING: ConversationSummary = {
  title: "",
  excerpt: "",
  pinned: false,
  archived: false,
  deleted: false,
  tags: [],
  messageCount: 0,
};
const EMPTY_SUMMARY = JSON.stringify(NOTHING);

/** What is left of an erased document says nothing, in the shape of both kinds. */
const erasedSummary = (id: string): string => {
  const summary: ConversationSummary & Record<Exclude<keyof SnapshotSummary, keyof ConversationSummary>, unknown> = {
    ...NOTHING,
    deleted: true,
    id,
    conversationId: "",
    number: 0,
    contentId: "",
    head: null,
    model: "",
    note: "",
    createdAt: 0,
    createdBy: "",
  };
  return JSON.stringify(summary);
};

/** The compare-and-set on the head: `expectedHead` is what the batch was built on, by and for this owner. */
interface Head extends Record<string, unknown> {
  id: string;
  accountId: string;
  workspaceId: string;
  epoch: number;
  expectedHead: number;
  headSeq: number;
}
interface HeadAt extends Head {
  at: number;
}
interface HeadWithSummary extends HeadAt {
  summary: string;
  /** 1 or 0: whether the summary says so */
  deleted: number;
}

/** Since when it is in the trash, by time and by its log: since the first summary that said so, until one says otherwise. */
const deletedSince = (value: <Name extends "deleted" | "at" | "headSeq">(name: Name) => HeadWithSummary[Name]) => ({
  deleted_at: sql<number | null>`case when ${value("deleted")} = 1 then coalesce(deleted_at, ${value("at")}) end`,
  deleted_seq: sql<
    number | null
  >`case when ${value("deleted")} = 1 then coalesce(deleted_seq, ${value("headSeq")}) end`,
});

const moveHead = prepareQuery<LogTables, HeadAt>((db, value) =>
  db
    .updateTable("document")
    .set({ head_seq: value("headSeq"), activity_at: value("at") })
    .where("id", "=", value("id"))
    .where("owner_id", "=", value("accountId"))
    .where("workspace_id", "=", value("workspaceId"))
    .where("epoch", "=", value("epoch"))
    .where("head_seq", "=", value("expectedHead")),
);

const moveHeadAndProject = prepareQuery<LogTables, HeadWithSummary>((db, value) =>
  db
    .updateTable("document")
    .set({
      head_seq: value("headSeq"),
      activity_at: value("at"),
      summary: value("summary"),
      summary_seq: value("headSeq"),
      ...deletedSince(value),
    })
    .where("id", "=", value("id"))
    .where("owner_id", "=", value("accountId"))
    .where("workspace_id", "=", value("workspaceId"))
    .where("epoch", "=", value("epoch"))
    .where("head_seq", "=", value("expectedHead")),
);

const projectOnly = prepareQuery<LogTables, HeadWithSummary>((db, value) =>
  db
    .updateTable("document")
    .set({
      summary: value("summary"),
      summary_seq: value("headSeq"),
      ...deletedSince(value),
    })
    .where("id", "=", value("id"))
    .where("owner_id", "=", value("accountId"))
    .where("workspace_id", "=", value("workspaceId"))
    .where("epoch", "=", value("epoch"))
    .where("head_seq", "=", value("expectedHead")),
);

const insertUpdate = prepareQuery<
  LogTables,
  {
    document_id: string;
    epoch: number;
    seq: number;
    bytes: Uint8Array;
    crc: number;
    actor_id: string;
    created_at: number;
  }
>((db, value) =>
  db.insertInto("doc_update").values({
    document_id: value("document_id"),
    epoch: value("epoch"),
    seq: value("seq"),
    bytes: value("bytes"),
    crc: value("crc"),
    actor_id: value("actor_id"),
    created_at: value("created_at"),
  }),
);

const insertClient = prepareQuery<
  LogTables,
  { document_id: string; epoch: number; client_id: number; actor_id: string }
>((db, value) =>
  db.insertInto("doc_client").values({
    document_id: value("document_id"),
    epoch: value("epoch"),
    client_id: value("client_id"),
    actor_id: value("actor_id"),
  }),
);

interface FeedPlace extends Record<string, unknown> {
  account_id: string;
  workspace_id: string;
  document_id: string;
}

/**
 * Takes the next number of the owner's feed: the time in ms, or the one after the last. Counted from the last alone, the
 * numbers after a restored backup would be those that devices have already passed.
 */
const countFeed = prepareQuery<LogTables, FeedPlace & { at: number }>((db, value) =>
  db
    .insertInto("feed_counter")
    .values({ account_id: value("account_id"), workspace_id: value("workspace_id"), last: value("at") })
    .onConflict((on) =>
      on.columns(["account_id", "workspace_id"]).doUpdateSet((eb) => ({
        last: eb
          .case()
          .when("feed_counter.last", ">=", eb.ref("excluded.last"))
          .then(eb("feed_counter.last", "+", 1))
          .else(eb.ref("excluded.last"))
          .end(),
      })),
    ),
);

/** Moves the document to the end of its owner's feed, under the number just taken. */
const placeInFeed = prepareQuery<LogTables, FeedPlace>((db, value) =>
  db
    .insertInto("feed")
    .values({
      account_id: value("account_id"),
      workspace_id: value("workspace_id"),
      document_id: value("document_id"),
      feed_seq: db
        .selectFrom("feed_counter")
        .select("last")
        .where("account_id", "=", value("account_id"))
        .where("workspace_id", "=", value("workspace_id")),
    })
    .onConflict((on) =>
      on
        .columns(["account_id", "workspace_id", "document_id"])
        .doUpdateSet((eb) => ({ feed_seq: eb.ref("excluded.feed_seq") })),
    ),
);

/**
 * The statements that swap a folded state in (R17). Rows it contains go at once: what they hold of deleted
 * text must not outlive the deletion, and the checkpoint before is kept for repair by the schema.
 */
export function compactionStatements(
  store: Store,
  key: RoomKey,
  fold: { epoch: number; expectedCheckpoint: number; through: number; bytes: Uint8Array; at: number },
): CommitStatement[] {
  const db = logTables(store);
  const { epoch, through, bytes, at } = fold;
  const swap = db
    .updateTable("document")
    .set({ checkpoint_seq: through })
    .where("id", "=", key.id)
    .where("owner_id", "=", key.accountId)
    .where("workspace_id", "=", key.workspaceId)
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

/**
 * The statements that erase a document (R22), which conflict unless it is in the trash since `deletedBefore` or longer
 * and its summary is the latest. Its row stays: the id is never claimed again. The epoch is raised, so that whatever a
 * room still has under way for it, a commit or a fold, finds no document to add to.
 */
export function erasureStatements(
  store: Store,
  key: RoomKey,
  { at, deletedBefore }: { at: number; deletedBefore: number },
): CommitStatement[] {
  const db = logTables(store);
  const erase = db
    .updateTable("document")
    .set((eb) => ({ erased_at: at, summary: erasedSummary(key.id), epoch: eb("epoch", "+", 1) }))
    .where("id", "=", key.id)
    .where("owner_id", "=", key.accountId)
    .where("workspace_id", "=", key.workspaceId)
    .where("erased_at", "is", null)
    .where("deleted_at", "<=", deletedBefore)
    // One that was restored a moment ago says so with its next summary.
    .whereRef("summary_seq", "=", "head_seq");
  return [
    { query: erase.compile(), changes: 1 },
    { query: db.deleteFrom("doc_update").where("document_id", "=", key.id).compile() },
    { query: db.deleteFrom("doc_checkpoint").where("document_id", "=", key.id).compile() },
    { query: db.deleteFrom("doc_client").where("document_id", "=", key.id).compile() },
    ...moveFeed(store, key, at),
  ];
}
