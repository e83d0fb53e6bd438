import { Kysely } from "kysely";
import { migrateToLatest } from "#server/storage/migrations.ts";
import type { Schema } from "#server/storage/schema.ts";
import { createSqliteDialect } from "#server/storage/sqlite-dialect.ts";
import { openSqliteThread } from "#server/storage/sqlite-thread.ts";
import { createTurns } from "#server/storage/turns.ts";

// Brings a file to the newest tables, tells its parent each statement, and stands still after one of them, to be killed.

const [file, last] = process.argv.slice(2);
const standStillAfter = Number(last);
let statements = 0;

const thread = openSqliteThread({ file: String(file), exclusive: false });
const kysely = new Kysely<Schema>({
  dialect: createSqliteDialect(thread, createTurns()),
  async log() {
    statements += 1;
    if (statements === standStillAfter) {
      process.send?.("still");
      await new Promise(() => undefined);
    }
  },
});
await migrateToLatest(kysely);
await thread.close();
process.send?.(statements);
process.disconnect();
