import { sql } from "kysely";
import type { Principal } from "#server/access/principal.ts";
import { openTenant } from "#server/access/tenant.ts";
import type { Database, CommitStatement } from "#server/storage/database.ts";
import type { RunTable, UsageTable } from "#server/storage/schema.ts";
import { systemTables } from "#server/storage/system-tables.ts";
import type { AccountId, ConversationId, DocumentId, MessageId, RunId, WorkspaceId } from "#shared/domain/ids.ts";
import type { RunFacts, RunStatus } from "#shared/domain/run.ts";
import type { StartRun } from "#shared/protocol/run-bodies.ts";
import { parseRunEvent } from "#shared/protocol/run-events.ts";
import { createFrame } from "./frame.ts";
import type { Frame, LogEvent } from "./frame.ts";

/** What a provider was asked, for the receipt of its answer: the fields of `ReceiptClaims` of the same names. */
export interface Asked {
  context: string;
  carried?: number;
  carriedFrom?: string;
}

/** A row of `run`, parsed. */
export interface StoredRun {
  id: RunId;
  accountId: AccountId;
  workspaceId: WorkspaceId;
  conversationId: ConversationId;
  parentMessageId: MessageId;
  messageId: MessageId;
  model: string;
  fingerprint: string;
  /** absent for a run that was stopped before it was started */
  request: StartRun | undefined;
  state: RunStatus;
  attempt: number;
  leaseEpoch: number;
  leaseUntil: number;
  seq: number;
  facts: RunFacts;
  /** absent before it was asked, and where its answer gets no receipt */
  asked: Asked | undefined;
  committed: boolean;
  createdAt: number;
  endedAt: number | undefined;
}

type RunTables = ReturnType<typeof runTables>;

const runTables = (database: Database) => systemTables<"run" | "run_frame" | "usage">(database);

/** The fingerprint of a run that was stopped before it was started. */
export const TOMBSTONE = "tombstone";

/** Parses a row of `run`. */
export const storedRun = (row: RunTable): StoredRun => ({
  id: row.id as RunId,
  accountId: row.account_id as AccountId,
  workspaceId: row.workspace_id as WorkspaceId,
  conversationId: row.conversation_id as ConversationId,
  parentMessageId: row.parent_message_id as MessageId,
  messageId: row.message_id as MessageId,
  model: row.model,
  fingerprint: row.fingerprint,
  // These columns are written by this file only, as JSON of these types.
  request: row.request === "" ? undefined : (JSON.parse(row.request) as StartRun),
  state: row.state as RunStatus,
  attempt: row.attempt,
  leaseEpoch: row.lease_epoch,
  leaseUntil: row.lease_until,
  seq: row.seq,
  facts: JSON.parse(row.facts) as RunFacts,
  asked: row.asked === null ? undefined : (JSON.parse(row.asked) as Asked),
  committed: row.committed === 1,
  createdAt: row.created_at,
  endedAt: row.ended_at ?? undefined,
});

/** Whosesoever it is: whoever asks compares it with who calls, or is the relay itself. */
export async function readRun(database: Database, id: RunId): Promise<StoredRun | undefined> {
  const row = await runTables(database).selectFrom("run").selectAll().where("id", "=", id).executeTakeFirst();
  return row && storedRun(row);
}

/** A run of the principal's own. */
export async function readOwnRun(database: Database, principal: Principal, id: RunId): Promise<StoredRun | undefined> {
  const row = await openTenant(database, principal).run(id);
  return row && storedRun(row);
}

/** The run that a message is taken by: it is live, or has ended and its end is not in the document yet. */
export async function readOpenRunOf(
  database: Database,
  accountId: AccountId,
  messageId: MessageId,
): Promise<StoredRun | undefined> {
  const query = runTables(database)
    .selectFrom("run")
    .selectAll()
    .where("account_id", "=", accountId)
    .where("message_id", "=", messageId)
    .where("committed", "=", 0);
  const row = await query.executeTakeFirst();
  return row && storedRun(row);
}

/**
 * Runs nobody finished, or that ended without reaching the document, and nobody writes: their lease does not end
 * between now and `longest` from now. One that ends later was given before the clock was set back.
 */
export async function readAbandonedRuns(database: Database, now: number, longest: number): Promise<StoredRun[]> {
  const rows = await runTables(database)
    .selectFrom("run")
    .selectAll()
    .where("committed", "=", 0)
    .where((is) => is.or([is("lease_until", "<", now), is("lease_until", ">", now + longest)]))
    .orderBy("created_at")
    .limit(1000)
    .execute();
  return rows.map(storedRun);
}

export async function readFrames(database: Database, id: RunId): Promise<Frame[]> {
  const rows = await runTables(database)
    .selectFrom("run_frame")
    .selectAll()
    .where("run_id", "=", id)
    .orderBy("seq")
    .execute();
  return rows.flatMap(({ kind, data, seq }) => {
    const event = parseRunEvent(kind, data, String(seq));
    return event === undefined ? [] : [createFrame(seq, event as LogEvent)];
  });
}

export const insertRun = (database: Database, row: RunTable): CommitStatement => ({
  query: runTables(database).insertInto("run").values(row).compile(),
  changes: 1,
});

/** Changes a run's row, only if its writer still is the one of `epoch` (and the log ends at `seq`). */
export function updateRun(
  database: Database,
  where: { id: RunId; epoch: number; seq?: number },
  set: Partial<RunTable>,
): CommitStatement {
  const query = runTables(database)
    .updateTable("run")
    .set(set)
    .where("id", "=", where.id)
    .where("lease_epoch", "=", where.epoch);
  return { query: (where.seq === undefined ? query : query.where("seq", "=", where.seq)).compile(), changes: 1 };
}

/** Building a statement costs more than running it: what is written for each frame is built once. */
const frameStatements = new WeakMap<RunTables, ReturnType<typeof buildFrameStatements>>();

const buildFrameStatements = (kysely: RunTables) => ({
  advance: kysely
    .updateTable("run")
    .set({ lease_until: 0, seq: 0 })
    .where("id", "=", "")
    .where("lease_epoch", "=", 0)
    .where("seq", "=", 0)
    .compile(),
  insert: kysely.insertInto("run_frame").values({ run_id: "", seq: 0, kind: "", data: "" }).compile(),
});

function frameStatementsOf(database: Database): ReturnType<typeof buildFrameStatements> {
  const kysely = runTables(database);
  const built = frameStatements.get(kysely) ?? buildFrameStatements(kysely);
  frameStatements.set(kysely, built);
  return built;
}

export function insertFrames(database: Database, id: RunId, frames: readonly Frame[]): CommitStatement[] {
  const { insert } = frameStatementsOf(database);
  return frames.map(({ seq, event, json }) => ({
    query: { ...insert, parameters: [id, seq, event.type, json] },
    changes: 1,
  }));
}

/** As `updateRun`, for what every append changes. */
export function advanceRun(
  database: Database,
  { id, epoch, seq }: { id: RunId; epoch: number; seq: number },
  to: { lease_until: number; seq: number },
): CommitStatement {
  const { advance } = frameStatementsOf(database);
  return { query: { ...advance, parameters: [to.lease_until, to.seq, id, epoch, seq] }, changes: 1 };
}

/** Books one attempt; an attempt that is booked already stays as it is. */
export const insertUsage = (database: Database, row: UsageTable): CommitStatement => ({
  query: runTables(database)
    .insertInto("usage")
    .values(row)
    .onConflict((conflict) => conflict.columns(["run_id", "attempt"]).doNothing())
    .compile(),
});

export const readUsage = (database: Database, id: RunId): Promise<UsageTable[]> =>
  runTables(database).selectFrom("usage").selectAll().where("run_id", "=", id).orderBy("attempt").execute();

/** The ids of runs whose frames nobody needs any longer; their rows stay. */
export async function readSpentRuns(
  database: Database,
  endedBefore: number,
  interruptedBefore: number,
): Promise<string[]> {
  const rows = await runTables(database)
    .selectFrom("run")
    .select("id")
    .where("committed", "=", 1)
    .where((where) =>
      where.or([
        where.and([where("state", "!=", "interrupted"), where("ended_at", "<", endedBefore)]),
        where("ended_at", "<", interruptedBefore),
      ]),
    )
    .where((where) => where.exists(where.selectFrom("run_frame").select("seq").whereRef("run_id", "=", "run.id")))
    .limit(100)
    .execute();
  return rows.map(({ id }) => id);
}

export const deleteFrames = (database: Database, ids: readonly string[]): CommitStatement => ({
  query: runTables(database)
    .deleteFrom("run_frame")
    .where("run_id", "in", [...ids])
    .compile(),
});

/**
 * Erases what the runs of a conversation wrote. Their rows stay, and the bills: both name no word of it. A run that is
 * still being written is taken from its writer, and ended by the sweep.
 */
export function eraseRuns(
  database: Database,
  { accountId, workspaceId }: { accountId: AccountId; workspaceId: WorkspaceId },
  id: DocumentId,
): CommitStatement[] {
  const kysely = runTables(database);
  const takeOver = kysely
    .updateTable("run")
    .set((eb) => ({ lease_epoch: eb("lease_epoch", "+", 1), lease_until: 0 }))
    .where("conversation_id", "=", id)
    .where("account_id", "=", accountId)
    .where("workspace_id", "=", workspaceId)
    .where("committed", "=", 0);
  const frames = kysely
    .deleteFrom("run_frame")
    .where("run_id", "in", (select) =>
      select
        .selectFrom("run")
        .select("id")
        .where("conversation_id", "=", id)
        .where("account_id", "=", accountId)
        .where("workspace_id", "=", workspaceId),
    );
  // A hash of a few words is as good as the words to whoever guesses them.
  const hashes = kysely
    .updateTable("run")
    .set({ asked: null, facts: sql<string>`json_remove(facts, '$.receipt')` })
    .where("conversation_id", "=", id)
    .where("account_id", "=", accountId)
    .where("workspace_id", "=", workspaceId);
  return [{ query: takeOver.compile() }, { query: frames.compile() }, { query: hashes.compile() }];
}

/** Frames of a run that was accepted in the moment in which its conversation was erased. */
export const deleteFramesOfErased = (database: Database): CommitStatement => ({
  query: systemTables<"run" | "run_frame" | "document">(database)
    .deleteFrom("run_frame")
    .where("run_id", "in", (select) =>
      select
        .selectFrom("run")
        .innerJoin("document", "document.id", "run.conversation_id")
        .select("run.id")
        .where("document.erased_at", "is not", null)
        .where("run.committed", "=", 1),
    )
    .compile(),
});
