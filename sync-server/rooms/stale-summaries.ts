import type { AccountId, DocumentId, WorkspaceId } from "#shared/domain/ids.ts";
import type { Database } from "#server/storage/database.ts";
import { systemTables } from "#server/storage/system-tables.ts";
import type { RoomLogger } from "./room-driver.ts";
import type { RoomKey } from "./room-log.ts";

/**
 * Finds documents whose summary is older than their log, as a process leaves them that died within the second
 * in which the feed coalesces, and opens each: an open room projects what is missing.
 */
export async function projectStaleSummaries(
  database: Database,
  log: RoomLogger,
  open: (key: RoomKey) => Promise<void>,
): Promise<void> {
  try {
    const stale = await systemTables<"document">(database)
      .selectFrom("document")
      .select(["id", "owner_id", "workspace_id"])
      .whereRef("summary_seq", "<", "head_seq")
      .execute();
    for (const row of stale) {
      const key = {
        id: row.id as DocumentId,
        accountId: row.owner_id as AccountId,
        workspaceId: row.workspace_id as WorkspaceId,
      };
      await open(key).catch((error: unknown) => log.error({ document: row.id, err: error }, "a summary stays stale"));
    }
  } catch (error) {
    // The next start looks again; until then the library shows those documents as of their last summary.
    log.error({ err: error }, "stale summaries were not found");
  }
}
