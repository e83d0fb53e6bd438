import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { Kysely } from "kysely";
import { inSpan } from "#server/observability/spans.ts";
import type { Database } from "./database.ts";
import { createGroupCommit } from "./group-commit.ts";
import type { GroupCommitOptions } from "./group-commit.ts";
import { migrateToLatest } from "./migrations.ts";
import type { Schema } from "./schema.ts";
import { createSqliteDialect, ownBytes } from "./sqlite-dialect.ts";
import { openSqliteThread } from "./sqlite-thread.ts";
import { createTurns } from "./turns.ts";
import { watchWrites } from "./watched-writes.ts";

export interface DatabaseOptions extends Partial<GroupCommitOptions> {
  /** path of the SQLite file; its folder is made if missing */
  file: string;
  /** refuses a file that another process opened with this set: two servers would not see each other's rooms */
  exclusive?: boolean;
}

/**
 * Opens the embedded database and brings its tables up to date. Rejects with an `Error` for people to read
 * when the file cannot be opened or was written by a newer version.
 */
export async function openDatabase({ file, exclusive = false, ...options }: DatabaseOptions): Promise<Database> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const { thread, failing } = watchWrites(openSqliteThread({ file, exclusive }));
  const turns = createTurns();
  const kysely = new Kysely<Schema>({ dialect: createSqliteDialect(thread, turns) });
  const commits = createGroupCommit((items) => turns.pass(() => thread.ask({ kind: "commit", items })), {
    // A commit in flight gathers the next one by itself: waiting while idle only costs time.
    gatherMs: 0,
    groupSize: 128,
    queueLimit: 100_000,
    ...options,
  });
  try {
    await migrateToLatest(kysely);
  } catch (error) {
    await thread.close();
    throw new Error(`Cannot open the database ${file}: ${reasonOf(error)}`, { cause: error });
  }
  let probing: Promise<unknown> | undefined;
  return {
    kysely,
    async writable() {
      if (failing())
        await (probing ??= turns.pass(() => thread.ask({ kind: "probe" })).finally(() => (probing = undefined)));
      return !failing();
    },
    commit: (statements) =>
      inSpan("store.commit", { "holdfast.statements": statements.length }, () =>
        commits.add(
          statements.map(({ query, changes }) => ({
            sql: query.sql,
            parameters: query.parameters.map(ownBytes),
            ...(changes !== undefined && { changes }),
          })),
        ),
      ),
    async close() {
      await commits.close();
      await thread.close();
    },
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
