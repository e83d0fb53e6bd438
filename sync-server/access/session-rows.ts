import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import type { WorkspaceRole } from "#shared/domain/workspace.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import { systemTables } from "#server/storage/system-tables.ts";
import type { AccountPrincipal } from "./principal.ts";

const DAY_MS = 86_400_000;
/** An account's session ends when it was not used so long, and at the latest so long after it began. A guest's lives on: it is all they have. */
const IDLE_MS = 90 * DAY_MS;
const LONGEST_MS = 365 * DAY_MS;

export interface CurrentSession {
  sessionId: string;
  accountId: AccountId;
  kind: AccountPrincipal["kind"];
}

/** The session of a token whose signature was checked; `undefined` once it is over. */
export async function readSession(database: Database, token: string, now: number): Promise<CurrentSession | undefined> {
  const row = await systemTables<"session" | "user">(database)
    .selectFrom("session")
    .innerJoin("user", "user.id", "session.userId")
    .where("session.token", "=", token)
    .select([
      "session.id",
      "session.userId",
      "session.expiresAt",
      "session.createdAt",
      "session.updatedAt",
      "user.isAnonymous",
    ])
    .executeTakeFirst();
  if (row === undefined || Date.parse(row.expiresAt) <= now) return undefined;
  const kind = row.isAnonymous === 1 ? "guest" : "account";
  const isOver = now - Date.parse(row.updatedAt) > IDLE_MS || now - Date.parse(row.createdAt) > LONGEST_MS;
  if (kind === "account" && isOver) return undefined;
  return { sessionId: row.id, accountId: row.userId as AccountId, kind };
}

export interface Membership {
  workspaceId: WorkspaceId;
  role: WorkspaceRole;
}

/** What an account is in a workspace; `undefined` where it is no member. */
export async function readMembership(
  database: Database,
  accountId: AccountId,
  workspaceId: string,
): Promise<Membership | undefined> {
  const row = await systemTables<"member">(database)
    .selectFrom("member")
    .where("workspace_id", "=", workspaceId)
    .where("account_id", "=", accountId)
    .select("role")
    .executeTakeFirst();
  return row && { workspaceId: workspaceId as WorkspaceId, role: row.role };
}

/** The personal workspace of an account, made where there is none yet. */
export async function personalWorkspace(
  database: Database,
  accountId: AccountId,
  now: number,
  createId: () => string,
): Promise<WorkspaceId> {
  const kysely = systemTables<"member" | "workspace">(database);
  const find = kysely
    .selectFrom("workspace")
    .select("id")
    .where("owner_id", "=", accountId)
    .where("kind", "=", "personal");
  const found = await find.executeTakeFirst();
  if (found) return found.id as WorkspaceId;
  const id = createId();
  const workspace = { id, kind: "personal", owner_id: accountId, created_at: now } as const;
  const member = { workspace_id: id, account_id: accountId, role: "owner", joined_at: now } as const;
  try {
    await database.commit([
      { query: kysely.insertInto("workspace").values(workspace).compile(), changes: 1 },
      { query: kysely.insertInto("member").values(member).compile(), changes: 1 },
    ]);
  } catch (error) {
    // Two requests may arrive together; the unique index lets one of them win, and both read its row.
    if (!(error instanceof CommitError) || error.failure !== "conflict") throw error;
  }
  return (await find.executeTakeFirstOrThrow()).id as WorkspaceId;
}
