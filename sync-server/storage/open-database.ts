import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { Kysely, sql } from "kysely";
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
    // A transaction costs as much as 50 of its items; 500 a second are enough, and nobody waits longer for it.
    gatherMs: 2,
    groupSize: 128,
    queueLimit: 100_000,
    ...options,
  });
  try {
    await refuseDamage(kysely);
    await migrateToLatest(kysely);
  } catch (error) {
    await thread.close();
    throw new Error(`Cannot open the database ${file}: ${reasonOf(error)}`, { cause: error });
  }
  let probing: Promise<unknown> | undefined;
  return {
    executor: kysely,
    queued: commits.size,
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

/** Up to this a look at every page costs less than a second of a start (0.9 s of CPU per GB, measured). */
const CHECKED_BYTES = 1024 ** 3;

/** Rejects where pages of the file are damaged: what is built on them would spread the damage, or lose more. */
async function refuseDamage(kysely: Kysely<Schema>): Promise<void> {
  const read = async (pragma: string): Promise<unknown> => {
    const { rows } = await sql<Record<string, unknown>>`pragma ${sql.raw(pragma)}`.execute(kysely);
    return Object.values(rows[0] ?? {})[0];
  };
  const bytes = Number(await read("page_count")) * Number(await read("page_size"));
  if (bytes > CHECKED_BYTES) return;
  const found = await read("quick_check(1)");
  if (found !== "ok") throw new Error(damaged(String(found)));
}

const damaged = (what: string): string =>
  `it is damaged (${what.replaceAll(/\s+/gu, " ")}). Restore a backup: docs/operations.md says how.`;

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  const isDamage = "code" in cause && /^SQLITE_(CORRUPT|NOTADB)/u.test(String(cause.code));
  return isDamage ? damaged(cause.message) : cause.message;
}
