import type { Selectable } from "kysely";
import type { AccountId, ConversationId, DocumentId, SnapshotId, WorkspaceId } from "#shared/domain/ids.ts";
import { accountActor, relayOf } from "#server/access/principal.ts";
import { personalWorkspace } from "#server/access/session-rows.ts";
import { openSnapshotTenant } from "#server/access/snapshot-tenant.ts";
import type { PolicyBus } from "#server/bus/policy-bus.ts";
import { moveFeed } from "#server/rooms/log-statements.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import type { RunService } from "#server/runs/run-service.ts";
import { rehomeFrozen } from "#server/snapshots/snapshot-statements.ts";
import { CommitError } from "#server/storage/database.ts";
import type { CommitStatement, Database } from "#server/storage/database.ts";
import type { GuestMergeTable } from "#server/storage/schema.ts";
import { systemTables } from "#server/storage/system-tables.ts";

export interface GuestMergeParts {
  database: Database;
  bus: Pick<PolicyBus, "publish">;
  rooms: Pick<Rooms, "rehomed" | "editSnapshot">;
  runs: Pick<RunService, "rehomed">;
  /** `now`: ms since 1970; `after` answers how to cancel */
  clock: { now(): number; after(ms: number, run: () => void): () => void };
  createWorkspaceId: () => string;
  /** told of each merge that is done, also of one that a killed process began */
  onMerged?: (guest: AccountId, account: AccountId) => void;
  log: { info(facts: object, message: string): void; error(facts: object, message: string): void };
}

export interface GuestMerge {
  /**
   * Ends the guest's sessions, and makes everything that is theirs the account's. Resolves when all of it is. Once it
   * began it is finished, by the next start of the server if need be. Rejects with `CommitError` where it could not begin.
   */
  merge(guest: AccountId, account: AccountId): Promise<void>;
  /** Finishes what a process left behind that was killed, now or as soon as it can; answers how many merges. */
  resume(): Promise<number>;
  close(): Promise<void>;
}

interface Owner {
  accountId: AccountId;
  workspaceId: WorkspaceId;
}

/** How many documents change hands in one commit: each is its own item, so that one conflict holds up no other. */
const AT_ONCE = 64;
const AGAIN_MS = 1_000;
/** How many looks in a row may find that every document was written to in just that moment. */
const MOST_IN_VAIN = 20;

/**
 * A guest who signs in to an account brings all they have along. First a row says so and the guest's sessions end, in one
 * commit: from then on nobody adds to what is the guest's. Then document after document changes hands with its runs,
 * bills and place in the feed, each in one commit, so that every one has exactly one owner at any moment.
 */
export function openGuestMerge(parts: GuestMergeParts): GuestMerge {
  const { database, bus, rooms, runs, clock, createWorkspaceId, log } = parts;
  const kysely = systemTables<
    "document" | "doc_client" | "doc_update" | "feed" | "guest_merge" | "run" | "session" | "usage"
  >(database);
  const underWay = new Map<string, Promise<void>>();
  let cancelAgain: (() => void) | undefined;
  let closed = false;

  async function begin(guest: AccountId, account: AccountId): Promise<void> {
    const [from, to] = await Promise.all(
      [guest, account].map((one) => personalWorkspace(database, one, clock.now(), createWorkspaceId)),
    );
    const sessions = await kysely.selectFrom("session").where("userId", "=", guest).select("id").execute();
    const row = {
      guest_id: guest,
      guest_workspace_id: from ?? "",
      account_id: account,
      workspace_id: to ?? "",
      started_at: clock.now(),
    };
    await database.commit([
      // A guest belongs to the account they signed in to first.
      {
        query: kysely
          .insertInto("guest_merge")
          .values(row)
          .onConflict((on) => on.doNothing())
          .compile(),
      },
      { query: kysely.deleteFrom("session").where("userId", "=", guest).compile() },
    ]);
    for (const { id } of sessions) bus.publish({ type: "session-ended", sessionId: id });
  }

  /**
   * One document and what hangs on it; conflicts where it is not the guest's any more.
   * @param number of a snapshot that has to have another one
   */
  function rehome(id: DocumentId, from: Owner, to: Owner, number: number | undefined): CommitStatement[] {
    const [fromActor, toActor] = [accountActor(from.accountId), accountActor(to.accountId)];
    const owner = { account_id: to.accountId, workspace_id: to.workspaceId };
    const document = kysely
      .updateTable("document")
      .set({ owner_id: to.accountId, workspace_id: to.workspaceId })
      .where("id", "=", id)
      .where("owner_id", "=", from.accountId)
      .where("workspace_id", "=", from.workspaceId);
    const clients = kysely
      .updateTable("doc_client")
      .set({ actor_id: toActor })
      .where("document_id", "=", id)
      .where("actor_id", "=", fromActor);
    const updates = kysely
      .updateTable("doc_update")
      .set({ actor_id: toActor })
      .where("document_id", "=", id)
      .where("actor_id", "=", fromActor);
    const place = kysely
      .deleteFrom("feed")
      .where("account_id", "=", from.accountId)
      .where("workspace_id", "=", from.workspaceId)
      .where("document_id", "=", id);
    return [
      { query: document.compile(), changes: 1 },
      { query: clients.compile() },
      { query: updates.compile() },
      { query: place.compile() },
      ...rehomeFrozen(database, id, from, to, number),
      ...moveFeed(database, { id, ...to }, clock.now()),
      ...rehomeRuns(from, owner, id),
    ];
  }

  /** The guest's runs and their bills: those of one conversation, or all that are left, whose conversation is nowhere. */
  function rehomeRuns(
    from: Owner,
    owner: { account_id: AccountId; workspace_id: WorkspaceId },
    id?: string,
  ): CommitStatement[] {
    const usage = kysely
      .updateTable("usage")
      .set(owner)
      .where("account_id", "=", from.accountId)
      .where("workspace_id", "=", from.workspaceId);
    const run = kysely
      .updateTable("run")
      .set(owner)
      .where("account_id", "=", from.accountId)
      .where("workspace_id", "=", from.workspaceId);
    // Ids of messages are made by devices: of two open runs of one account with the same message, the guest's gives way.
    const givesWay = kysely
      .updateTable("run")
      .set({ committed: 1 })
      .where("account_id", "=", from.accountId)
      .where("committed", "=", 0)
      .where("message_id", "in", (select) =>
        select
          .selectFrom("run as other")
          .select("other.message_id")
          .where("other.account_id", "=", owner.account_id)
          .where("other.committed", "=", 0),
      );
    if (id === undefined) return [{ query: usage.compile() }, { query: givesWay.compile() }, { query: run.compile() }];
    const ofConversation = usage.where("run_id", "in", (select) =>
      select.selectFrom("run").select("id").where("conversation_id", "=", id),
    );
    return [
      { query: ofConversation.compile() },
      { query: givesWay.where("conversation_id", "=", id).compile() },
      { query: run.where("conversation_id", "=", id).compile() },
    ];
  }

  async function carryOn(from: Owner, to: Owner): Promise<void> {
    let documents = 0;
    for (let inVain = 0; ;) {
      const rows = await kysely
        .selectFrom("document")
        .where("owner_id", "=", from.accountId)
        .where("workspace_id", "=", from.workspaceId)
        .select("id")
        .limit(AT_ONCE)
        .execute();
      if (rows.length === 0) break;
      const moved = await Promise.all(rows.map(({ id }) => moveOne(id as DocumentId, from, to)));
      documents += moved.filter(Boolean).length;
      inVain = moved.includes(true) ? 0 : inVain + 1;
      if (inVain >= MOST_IN_VAIN) throw new CommitError("conflict");
    }
    const done = kysely
      .updateTable("guest_merge")
      .set({ done_at: clock.now() })
      .where("guest_id", "=", from.accountId)
      .compile();
    await database.commit([
      ...rehomeRuns(from, { account_id: to.accountId, workspace_id: to.workspaceId }),
      { query: done },
    ]);
    log.info({ account: to.accountId, documents }, "what a guest had is their account's");
    parts.onMerged?.(from.accountId, to.accountId);
  }

  /** Answers whether it was moved. */
  async function moveOne(id: DocumentId, from: Owner, to: Owner): Promise<boolean> {
    try {
      await database.commit(rehome(id, from, to, await renumber(id, from, to)));
    } catch (error) {
      // It was written to in this moment, or is gone: the next look tells.
      if (error instanceof CommitError && error.failure === "conflict") return false;
      throw error;
    }
    rooms.rehomed(to, id);
    // Runs hang on conversations; there are none of a snapshot.
    runs.rehomed(id as ConversationId, to);
    return true;
  }

  /**
   * A new number for a snapshot where the account has one of the same conversation by its number: both had imported it.
   * It is written before the snapshot is moved, and again where that did not come to be.
   */
  async function renumber(id: DocumentId, from: Owner, to: Owner): Promise<number | undefined> {
    const guests = openSnapshotTenant(database, relayOf(from));
    const accounts = openSnapshotTenant(database, relayOf(to));
    const row = await guests.snapshot(id);
    if (!row || !(await accounts.hasNumber(row.conversation_id, row.number))) return undefined;
    const last = await Promise.all([guests, accounts].map((one) => one.lastNumber(row.conversation_id)));
    const number = Math.max(...last) + 1;
    if (row.erased_at === null)
      await rooms.editSnapshot(relayOf(from), id as SnapshotId, (snapshot) => snapshot.renumber(number));
    return number;
  }

  /** Finishes a merge that began; two who ask share one. */
  function finish(from: Owner, to: Owner): Promise<void> {
    const known = underWay.get(from.accountId);
    if (known) return known;
    const moving = carryOn(from, to).finally(() => underWay.delete(from.accountId));
    underWay.set(from.accountId, moving);
    return moving;
  }

  const openRows = () => kysely.selectFrom("guest_merge").where("done_at", "is", null).selectAll();
  const finishRow = (row: Selectable<GuestMergeTable>): Promise<void> =>
    finish(
      { accountId: row.guest_id as AccountId, workspaceId: row.guest_workspace_id as WorkspaceId },
      { accountId: row.account_id as AccountId, workspaceId: row.workspace_id as WorkspaceId },
    );

  /** One that cannot be finished yet keeps no other from it, and is tried again. */
  async function resume(): Promise<number> {
    const rows = await openRows().execute();
    const ended = await Promise.allSettled(rows.map(finishRow));
    for (const one of ended) if (one.status === "rejected") postpone(one.reason);
    return rows.length;
  }

  function postpone(error: unknown): void {
    log.error({ err: error }, "what a guest had could not be made their account's yet");
    resumeSoon();
  }

  function resumeSoon(): void {
    if (closed) return;
    cancelAgain ??= clock.after(AGAIN_MS, () => {
      cancelAgain = undefined;
      resume().catch(postpone);
    });
  }

  return {
    async merge(guest, account) {
      try {
        await begin(guest, account);
        const row = await openRows().where("guest_id", "=", guest).executeTakeFirst();
        if (row) await finishRow(row);
      } catch (error) {
        // A store that breaks down may have begun it all the same.
        postpone(error);
        throw error;
      }
    },
    resume,
    async close() {
      closed = true;
      cancelAgain?.();
      await Promise.allSettled(underWay.values());
    },
  };
}
