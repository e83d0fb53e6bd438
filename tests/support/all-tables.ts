import type { Database } from "#server/storage/database.ts";
import type { Schema } from "#server/storage/schema.ts";
import { systemTables } from "#server/storage/system-tables.ts";

/** Every table, for tests that look at what is stored, or put there what the server would not. */
export const allTables = (database: Pick<Database, "executor">) => systemTables<keyof Schema>(database);
