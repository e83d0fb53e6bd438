import type { Selectable } from "kysely";
import type { AccountId } from "#shared/domain/ids.ts";
import type { WorkspaceRole } from "#shared/domain/workspace.ts";
import type { Database } from "#server/storage/database.ts";
import type { InviteTable, MemberTable, UserTable, WorkspaceTable } from "#server/storage/schema.ts";
import { systemTables } from "#server/storage/system-tables.ts";
import type { AuditRow } from "./audit-chain.ts";
import type { Resource } from "./authorize.ts";

type MemberRow = Omit<MemberTable, "workspace_id"> & Pick<UserTable, "name" | "email" | "isAnonymous">;
type OwnWorkspace = Pick<Selectable<WorkspaceTable>, "id" | "kind" | "name"> & Pick<MemberTable, "role">;

/**
 * The database as a member of workspaces sees it: every query is bound here to those the account belongs to. What they
 * may do with what they see is for `authorize` to say, by `workspaceResource`.
 */
export function openMemberTenant(database: Database, { accountId }: { accountId: AccountId }) {
  const kysely = systemTables<"workspace" | "member" | "invite" | "user" | "audit">(database);
  /** The workspace, if the account belongs to it. */
  const own = (id: string) =>
    kysely
      .selectFrom("member as own")
      .where("own.workspace_id", "=", id)
      .where("own.account_id", "=", accountId)
      .select("own.workspace_id");

  return {
    /** A workspace the account belongs to, whichever they act in now. */
    async workspaceResource(id: string): Promise<Resource | undefined> {
      const row = await kysely
        .selectFrom("member")
        .innerJoin("workspace", "workspace.id", "member.workspace_id")
        .where("member.workspace_id", "=", id)
        .where("member.account_id", "=", accountId)
        .select(["workspace.kind", "member.role"])
        .executeTakeFirst();
      if (row === undefined) return undefined;
      return row.kind === "personal" ? { kind: "personal-workspace" } : { kind: "team-workspace", role: row.role };
    },
    /** The personal one first, then by name. */
    workspaces: (): Promise<OwnWorkspace[]> =>
      kysely
        .selectFrom("member")
        .innerJoin("workspace", "workspace.id", "member.workspace_id")
        .where("member.account_id", "=", accountId)
        .select(["workspace.id", "workspace.kind", "workspace.name", "member.role"])
        .orderBy("workspace.kind")
        .orderBy("workspace.name")
        .orderBy("workspace.id")
        .execute(),
    async workspaceName(id: string): Promise<string | undefined> {
      const query = kysely.selectFrom("workspace").where("id", "in", own(id)).select("name");
      return (await query.executeTakeFirst())?.name;
    },
    members: (id: string): Promise<MemberRow[]> =>
      kysely
        .selectFrom("member")
        .innerJoin("user", "user.id", "member.account_id")
        .where("member.workspace_id", "in", own(id))
        .select(["member.account_id", "member.role", "member.joined_at", "user.name", "user.email", "user.isAnonymous"])
        .orderBy("member.joined_at")
        .orderBy("member.account_id")
        .execute(),
    /** What somebody is in a workspace of the account's. */
    async roleOf(id: string, member: string): Promise<WorkspaceRole | undefined> {
      const query = kysely
        .selectFrom("member")
        .where("workspace_id", "in", own(id))
        .where("account_id", "=", member)
        .select("role");
      return (await query.executeTakeFirst())?.role;
    },
    /** Invitations that end after `after`, the newest first. */
    invites: (id: string, after: number): Promise<InviteTable[]> =>
      kysely
        .selectFrom("invite")
        .where("workspace_id", "in", own(id))
        .where("expires_at", ">", after)
        .selectAll()
        .orderBy("created_at", "desc")
        .execute(),
    /** What the log says about a workspace, the newest first. */
    auditRows: (id: string, before: number, limit: number): Promise<AuditRow[]> =>
      kysely
        .selectFrom("audit")
        .selectAll()
        .where("workspace_id", "in", own(id))
        .where("seq", "<", before)
        .orderBy("seq", "desc")
        .limit(limit)
        .execute(),
  };
}
