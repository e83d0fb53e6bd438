import { sql } from "kysely";
import type { AccountId, DocumentId, WorkspaceId } from "#shared/domain/ids.ts";
import type { DocumentKind } from "#shared/domain/room-name.ts";
import { TRASH_MS } from "#shared/domain/trash.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { authorize } from "#server/access/authorize.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import { openTenant } from "#server/access/tenant.ts";
import { erasureStatements } from "#server/rooms/log-statements.ts";
import type { RoomKey } from "#server/rooms/room-log.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import { deleteFramesOfErased, eraseRuns } from "#server/runs/run-store.ts";
import { eraseFrozen } from "#server/snapshots/snapshot-statements.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import { systemTables } from "#server/storage/system-tables.ts";

/** How often the trash is looked at. */
const LOOK_MS = 3_600_000;
/** How many documents one look takes at a time. */
const AT_ONCE = 500;
/** What is erased within this shares one emptying of SQLite's log. */
const SCRUB_MS = 1_000;
/** When it is tried again where somebody reads the file, a backup for example. */
const SCRUB_AGAIN_MS = 60_000;

export interface ErasureParts {
  database: Database;
  rooms: Pick<Rooms, "erased">;
  /** `now`: ms since 1970; `after` answers how to cancel */
  clock: { now(): number; after(ms: number, run: () => void): () => void };
  log: { info(facts: object, message: string): void; error(facts: object, message: string): void };
}

export interface Erasure {
  /**
   * Erases a document of the caller's trash; answers whether it did that now, and not somebody before. Rejects where it
   * cannot be stored.
   */
  erase(
    principal: AccountPrincipal,
    id: DocumentId,
    kind: DocumentKind,
  ): Promise<Result<boolean, "not_found" | "not_deleted">>;
  /** Erases what was in the trash for its time, as the hourly look does; answers how many. */
  look(): Promise<number>;
  close(): Promise<void>;
}

/**
 * Erases what is in the trash (R22): at a person's word, and 30 days after it was deleted. Looks at once, then every
 * hour. Afterwards SQLite's log is moved into the file and cut to nothing: it holds the pages as they were before.
 */
export function openErasure({ database, rooms, clock, log }: ErasureParts): Erasure {
  let closed = false;
  let cancelLook: (() => void) | undefined;
  let cancelScrub: (() => void) | undefined;
  let scrubbing = Promise.resolve();

  /** Answers whether it was erased now: not where it left the trash, or was erased, meanwhile. */
  async function eraseDocument(key: RoomKey, deletedBefore: number): Promise<boolean> {
    try {
      await database.commit([
        ...erasureStatements(database, key, { at: clock.now(), deletedBefore }),
        ...eraseRuns(database, key, key.id),
        ...eraseFrozen(database, key, key.id),
      ]);
    } catch (error) {
      if (error instanceof CommitError && error.failure === "conflict") return false;
      throw error;
    }
    // Not before: a store that takes nothing leaves the document as it was.
    rooms.erased(key, key.id);
    scrubSoon();
    return true;
  }

  function scrubSoon(ms = SCRUB_MS): void {
    if (closed) return;
    cancelScrub ??= clock.after(ms, () => {
      cancelScrub = undefined;
      scrubbing = scrub();
    });
  }

  async function scrub(): Promise<void> {
    try {
      const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(database.executor);
      if (rows[0]?.busy !== 0) scrubSoon(SCRUB_AGAIN_MS);
    } catch (error) {
      log.error({ err: error }, "the log of the store could not be emptied after an erasure");
      scrubSoon(SCRUB_AGAIN_MS);
    }
  }

  /** Erases some of what is due; answers how many, and 0 once the server leaves. */
  async function eraseDue(): Promise<number> {
    if (closed) return 0;
    const deletedBefore = clock.now() - TRASH_MS;
    const due = await readDue(database, deletedBefore);
    const done = await Promise.all(due.map((key) => eraseDocument(key, deletedBefore)));
    return done.filter(Boolean).length;
  }

  async function look(): Promise<number> {
    let erased = 0;
    for (let now = await eraseDue(); now > 0; now = await eraseDue()) erased += now;
    await database.commit([deleteFramesOfErased(database)]);
    if (erased > 0) log.info({ documents: erased }, "what was in the trash for its time is erased");
    return erased;
  }

  async function lookAndAgain(): Promise<void> {
    try {
      await look();
    } catch (error) {
      // What could not be stored now is still due at the next look.
      log.error({ err: error }, "the trash could not be looked at");
    }
    if (!closed) cancelLook = clock.after(LOOK_MS, () => (looking = lookAndAgain()));
  }
  let looking = lookAndAgain();
  // A process that was killed right after an erasure did not come to it.
  scrubSoon();

  return {
    look,
    async erase(principal, id, kind) {
      const tenant = openTenant(database, principal);
      const resource = await tenant.documentResource(id);
      const action = kind === "snapshot" ? "snapshot.erase" : "document.erase";
      if (!resource || !authorize(principal, action, resource)) return err("not_found");
      if ((await tenant.document(id))?.kind !== kind) return err("not_found");
      const { accountId, workspaceId } = principal;
      if (await eraseDocument({ id, accountId, workspaceId }, clock.now())) return ok(true);
      const row = await tenant.document(id);
      return row && row.erased_at !== null ? ok(false) : err("not_deleted");
    },
    async close() {
      closed = true;
      cancelLook?.();
      await looking;
      if (cancelScrub) {
        cancelScrub();
        scrubbing = scrub();
      }
      await scrubbing;
    },
  };
}

async function readDue(database: Database, deletedBefore: number): Promise<RoomKey[]> {
  const rows = await systemTables<"document">(database)
    .selectFrom("document")
    .select(["id", "owner_id", "workspace_id"])
    .where("erased_at", "is", null)
    .where("deleted_at", "is not", null)
    .where("deleted_at", "<=", deletedBefore)
    .orderBy("deleted_at")
    .limit(AT_ONCE)
    .execute();
  return rows.map((row) => ({
    id: row.id as DocumentId,
    accountId: row.owner_id as AccountId,
    workspaceId: row.workspace_id as WorkspaceId,
  }));
}
