import { createHash } from "node:crypto";
import type { Database } from "better-sqlite3";

/** What each table holds, as one text a table: two that are equal are of the same rows. */
export type StoredRows = Readonly<Record<string, string>>;

const named = (database: Database): string[] =>
  database
    .prepare(
      "select name from sqlite_master where type = 'table' and name not like 'audit%' and name not like 'sqlite%'",
    )
    .pluck()
    .all() as string[];

const digestOf = (rows: readonly unknown[]): string =>
  `${rows.length} rows ${createHash("sha256").update(JSON.stringify(rows)).digest("hex").slice(0, 16)}`;

/** Every row of every table. The audit log is left out: what is refused is written there. */
export const storedRows = (database: Database): StoredRows =>
  Object.fromEntries(
    named(database).map((table) => [table, digestOf(database.prepare(`select * from "${table}"`).raw().all())]),
  );

/** The tables that hold something else by now, with how much of it. */
export const changedTables = (before: StoredRows, after: StoredRows): string[] =>
  Object.keys({ ...before, ...after })
    .filter((table) => before[table] !== after[table])
    .map((table) => `${table}: ${before[table]} -> ${after[table]}`);

const OF_ACCOUNT: readonly (readonly [table: string, where: string])[] = [
  ["user", "id = :account"],
  ["session", "userId = :account"],
  ["account", "userId = :account"],
  ["access_token", "account_id = :account"],
  ["workspace", "owner_id = :account"],
  ["member", "workspace_id in (select id from workspace where owner_id = :account)"],
  ["invite", "workspace_id in (select id from workspace where owner_id = :account)"],
  ["document", "owner_id = :account"],
  ["doc_update", "document_id in (select id from document where owner_id = :account)"],
  ["doc_client", "document_id in (select id from document where owner_id = :account)"],
  ["feed", "account_id = :account"],
  ["feed_counter", "account_id = :account"],
  ["run", "account_id = :account"],
  ["run_frame", "run_id in (select id from run where account_id = :account)"],
  ["usage", "account_id = :account"],
];

/** Everything that is one account's, and of the workspaces it made. */
export const rowsOfAccount = (database: Database, account: string): StoredRows =>
  Object.fromEntries(
    OF_ACCOUNT.map(([table, where]) => [
      table,
      digestOf(database.prepare(`select * from "${table}" where ${where}`).raw().all({ account })),
    ]),
  );
