import type { Kysely } from "kysely";
import type { Database } from "./database.ts";
import type { Schema } from "./schema.ts";

/** Queries of some tables, and of no other. */
type Tables<Name extends keyof Schema> = Kysely<Pick<Schema, Name>>;

/**
 * Tables by name, bound to nobody: whoever asks has to bind each query to whom it is for, or say why it is for everybody.
 * The files that may ask, for which tables and why, are listed in `tests/contract/tenant-handle.test.ts`; everybody else
 * goes through the handles of `access/`. Without names there is no table in the answer.
 */
export const systemTables = <Name extends keyof Schema = never>({
  executor,
}: Pick<Database, "executor">): Tables<Name> => executor as Tables<Name>;
