import { sql } from "kysely";
import { Hono } from "hono";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import type { AppEnv } from "./app-env.ts";
import { problem } from "./problem.ts";

/** `/healthz`: the process answers. `/readyz`: it can do its work, and is not about to leave. */
export const healthRoutes = (database: Database, isDraining: () => boolean): Hono<AppEnv> =>
  new Hono<AppEnv>()
    .get("/healthz", (c) => c.json({ status: "ok" }, 200, { "cache-control": "no-store" }))
    .get("/readyz", async (c) => {
      if (isDraining()) return problem("draining");
      if (!(await canStore(database))) return problem("storage_failing");
      return c.json({ status: "ready" }, 200, { "cache-control": "no-store" });
    });

async function canStore(database: Database): Promise<boolean> {
  try {
    await sql`select 1`.execute(database.executor);
    return await database.writable();
  } catch (error) {
    if (error instanceof CommitError) return false;
    throw error;
  }
}
