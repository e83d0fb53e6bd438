import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from "kysely";
import type { AccountId, ConversationId, WorkspaceId } from "#shared/domain/ids.ts";
import { commitStatements } from "#server/rooms/log-statements.ts";
import type { CommitBatch } from "#server/rooms/room-events.ts";
import type { CommitStatement } from "#server/storage/database.ts";
import type { Schema } from "#server/storage/schema.ts";
import type { CheckedStatement } from "#server/storage/sqlite-messages.ts";

/** Builds queries; runs none. */
export const compiler = new Kysely<Schema>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

export const keyOf = (document: number) => ({
  id: `document-${document}` as ConversationId,
  accountId: "account" as AccountId,
  workspaceId: "workspace" as WorkspaceId,
});

/** A batch of a room: so many rows after `head`, whose bytes tell where they belong. */
export function batchOf(document: number, head: number, rows: number, over: Partial<CommitBatch> = {}): CommitBatch {
  return {
    epoch: 0,
    expectedHead: head,
    headSeq: head + rows,
    rows: Array.from({ length: rows }, (_, i) => ({
      seq: head + i + 1,
      bytes: bytesOf(document, head + i + 1),
      actor: "account:account",
    })),
    clients: head === 0 ? [[document + 1, "account:account"]] : [],
    claim: head === 0,
    summary: `{"title":"${document} at ${head + rows}"}`,
    // ms since 1970, which are never 0
    at: head + rows + 1,
    ...over,
  };
}

export const bytesOf = (document: number, seq: number): Uint8Array =>
  new Uint8Array(40 + (seq % 200)).fill(document + seq);

export const statementsOf = (document: number, batch: CommitBatch): CommitStatement[] =>
  commitStatements({ executor: compiler }, keyOf(document), batch);

/** The same, as the thread of the store is asked. */
export const checked = (statements: readonly CommitStatement[]): CheckedStatement[] =>
  statements.map(({ query, changes }) => ({
    sql: query.sql,
    parameters: query.parameters,
    ...(changes !== undefined && { changes }),
  }));

/** What a reader of the file finds: each document with its rows, and the feed in order. */
export interface Found {
  heads: Record<string, number>;
  feed: { document: string; seq: number }[];
  /** what contradicts itself: an item that is there in part */
  torn: string[];
}

type Row = Record<string, unknown>;

/** Reads a store by its tables alone, whatever wrote it. */
export function readFound(ask: (sql: string) => Row[]): Found {
  const documents = ask("select id, head_seq, summary_seq from document order by id");
  const rows = ask("select document_id, seq, bytes from doc_update order by document_id, seq");
  const feed = ask("select document_id, feed_seq from feed order by feed_seq");
  const [counter] = ask("select coalesce(max(last), 0) as last from feed_counter");
  const newest = Number(feed.at(-1)?.["feed_seq"] ?? 0);
  return {
    heads: Object.fromEntries(documents.map(({ id, head_seq: head }) => [String(id), Number(head)])),
    feed: feed.map((one) => ({ document: String(one["document_id"]), seq: Number(one["feed_seq"]) })),
    torn: [
      ...documents.flatMap((document) => tornIn(document, rows, feed)),
      ...rows.filter((row) => !isAsWritten(row)).map((row) => `row ${String(row["seq"])} holds other bytes`),
      ...(Number(counter?.["last"]) === newest ? [] : [`the feed ends at ${newest} and counts to another number`]),
    ],
  };
}

/** What of a document is there without the rest. */
function tornIn({ id, head_seq: head, summary_seq: shown }: Row, rows: readonly Row[], feed: readonly Row[]): string[] {
  const seqs = rows.filter((row) => row["document_id"] === id).map((row) => Number(row["seq"]));
  const whole = seqs.length === head && seqs.every((seq, i) => seq === i + 1);
  const name = `${String(id)} ends at ${String(head)}`;
  return [
    ...(whole ? [] : [`${name} and has rows ${seqs.join()}`]),
    ...(shown === head ? [] : [`${name} and is shown as of ${String(shown)}`]),
    ...(feed.some((one) => one["document_id"] === id) ? [] : [`${name} and is not in the feed`]),
  ];
}

function isAsWritten(row: Row): boolean {
  const document = Number(String(row["document_id"]).split("-")[1]);
  return Buffer.compare(row["bytes"] as Buffer, bytesOf(document, Number(row["seq"]))) === 0;
}
