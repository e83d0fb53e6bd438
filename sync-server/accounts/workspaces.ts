import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import type { GivenRole, WorkspaceRole } from "#shared/domain/workspace.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { Members, WorkspaceEntry } from "#shared/protocol/workspace-bodies.ts";
import { authorize } from "#server/access/authorize.ts";
import type { Action } from "#server/access/authorize.ts";
import { openMemberTenant } from "#server/access/member-tenant.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { PolicyBus } from "#server/bus/policy-bus.ts";
import { CommitError } from "#server/storage/database.ts";
import type { CommitStatement, Database } from "#server/storage/database.ts";
import { systemTables } from "#server/storage/system-tables.ts";

export interface WorkspaceParts {
  database: Database;
  bus: Pick<PolicyBus, "publish">;
  /** ms since 1970 */
  now: () => number;
}

/** How many teams one account may belong to. */
const MOST_WORKSPACES = 100;

/** What the caller needs to change somebody of a role into another. */
const actionOn = (...roles: readonly string[]): Action =>
  roles.includes("admin") || roles.includes("owner") ? "admin.change" : "member.change";

export type Workspaces = ReturnType<typeof openWorkspaces>;

/**
 * Workspaces and who belongs to them. Rights are checked here, at every call: what the caller does not belong to, and
 * what they may not do, is `not_found`. Each rejects with `CommitError` where it cannot be stored.
 */
export function openWorkspaces({ database, bus, now }: WorkspaceParts) {
  const kysely = systemTables<"workspace" | "member" | "access_token" | "invite">(database);

  const may = async (principal: AccountPrincipal, action: Action, id: string): Promise<boolean> =>
    authorize(principal, action, await openMemberTenant(database, principal).workspaceResource(id));

  const changed = (workspaceId: string, ...accounts: readonly string[]): void => {
    for (const accountId of accounts)
      bus.publish({
        type: "membership-changed",
        accountId: accountId as AccountId,
        workspaceId: workspaceId as WorkspaceId,
      });
  };

  /** Commits; answers false where the rows were not as expected, e.g. because somebody else was faster. */
  async function commit(statements: readonly CommitStatement[]): Promise<boolean> {
    try {
      await database.commit(statements);
      return true;
    } catch (error) {
      if (error instanceof CommitError && error.failure === "conflict") return false;
      throw error;
    }
  }

  /** Takes somebody out, with the tokens they made for this workspace, and the links by which they could come back. */
  async function remove(workspaceId: string, accountId: string, role: WorkspaceRole): Promise<boolean> {
    const member = kysely
      .deleteFrom("member")
      .where("workspace_id", "=", workspaceId)
      .where("account_id", "=", accountId)
      .where("role", "!=", "owner")
      // Made something else in this moment, they may not be the caller's to take out.
      .where("role", "=", role);
    const tokens = kysely
      .deleteFrom("access_token")
      .where("workspace_id", "=", workspaceId)
      .where("account_id", "=", accountId);
    const links = kysely
      .deleteFrom("invite")
      .where("workspace_id", "=", workspaceId)
      .where((is) => is.or([is("email", "is", null), is("created_by", "=", accountId)]));
    const done = await commit([
      { query: member.compile(), changes: 1 },
      { query: tokens.compile() },
      { query: links.compile() },
    ]);
    if (done) changed(workspaceId, accountId);
    return done;
  }

  return {
    /** Those the caller belongs to: the personal one first, then by name. */
    list: (principal: AccountPrincipal): Promise<WorkspaceEntry[]> =>
      openMemberTenant(database, principal).workspaces(),

    /** Makes a team whose owner is the caller; making it again changes nothing. */
    async create(
      principal: AccountPrincipal,
      { id, name }: { id: string; name: string },
    ): Promise<Result<WorkspaceEntry, "not_found" | "too_many">> {
      const { accountId } = principal;
      if (!authorize(principal, "workspace.create", "none")) return err("not_found");
      const created = { id, kind: "team", name, role: "owner" } as const;
      const mine = await this.list(principal);
      const known = mine.find((one) => one.id === id);
      if (known) return ok(known);
      if (mine.length >= MOST_WORKSPACES) return err("too_many");
      const workspace = { id, kind: "team", owner_id: accountId, name, created_at: now() } as const;
      const member = { workspace_id: id, account_id: accountId, role: "owner", joined_at: now() } as const;
      const done = await commit([
        { query: kysely.insertInto("workspace").values(workspace).compile(), changes: 1 },
        { query: kysely.insertInto("member").values(member).compile(), changes: 1 },
      ]);
      // An id that is somebody else's is one that nobody may have.
      return done ? ok(created) : err("not_found");
    },

    async rename(principal: AccountPrincipal, id: string, name: string): Promise<Result<void, "not_found">> {
      if (!(await may(principal, "workspace.rename", id))) return err("not_found");
      await kysely.updateTable("workspace").set({ name }).where("id", "=", id).execute();
      return ok(undefined);
    },

    /** Who belongs to it. E-mail addresses are shown to whoever runs it; everybody sees their own. */
    async members(principal: AccountPrincipal, id: string): Promise<Result<Members["members"], "not_found">> {
      if (!(await may(principal, "member.list", id))) return err("not_found");
      const seesAddresses = await may(principal, "member.change", id);
      const rows = await openMemberTenant(database, principal).members(id);
      return ok(
        rows.map(({ account_id: accountId, role, joined_at: joinedAt, name, email, isAnonymous }) => ({
          accountId,
          name: isAnonymous === 1 ? "" : name,
          ...(isAnonymous !== 1 && (seesAddresses || accountId === principal.accountId) && { email }),
          role,
          joinedAt,
        })),
      );
    },

    /** Gives a member another role. Admins are made and changed by the owner alone; ownership is only handed over. */
    async changeRole(
      principal: AccountPrincipal,
      id: string,
      accountId: string,
      role: GivenRole,
    ): Promise<Result<void, "not_found">> {
      const before = await openMemberTenant(database, principal).roleOf(id, accountId);
      if (!(await may(principal, actionOn(role, before ?? ""), id)) || before === undefined) return err("not_found");
      const update = kysely
        .updateTable("member")
        .set({ role })
        .where("workspace_id", "=", id)
        .where("account_id", "=", accountId)
        .where("role", "=", before)
        .where("role", "!=", "owner");
      if (!(await commit([{ query: update.compile(), changes: 1 }]))) return err("not_found");
      changed(id, accountId);
      return ok(undefined);
    },

    /** Takes a member out of the workspace. */
    async remove(principal: AccountPrincipal, id: string, accountId: string): Promise<Result<void, "not_found">> {
      const role = await openMemberTenant(database, principal).roleOf(id, accountId);
      if (!(await may(principal, actionOn(role ?? ""), id)) || role === undefined) return err("not_found");
      return (await remove(id, accountId, role)) ? ok(undefined) : err("not_found");
    },

    async leave(principal: AccountPrincipal, id: string): Promise<Result<void, "not_found">> {
      const role = await openMemberTenant(database, principal).roleOf(id, principal.accountId);
      if (!(await may(principal, "workspace.leave", id)) || role === undefined) return err("not_found");
      return (await remove(id, principal.accountId, role)) ? ok(undefined) : err("not_found");
    },

    /** Makes a member the owner; who was it is an admin from then on. */
    async transfer(principal: AccountPrincipal, id: string, to: string): Promise<Result<void, "not_found">> {
      if (!(await may(principal, "workspace.transfer", id)) || to === principal.accountId) return err("not_found");
      const setRole = (accountId: string, from: "owner" | "other", role: "owner" | "admin") =>
        kysely
          .updateTable("member")
          .set({ role })
          .where("workspace_id", "=", id)
          .where("account_id", "=", accountId)
          .where("role", from === "owner" ? "=" : "!=", "owner")
          .compile();
      // In this order: there is never more than one owner.
      const done = await commit([
        { query: setRole(principal.accountId, "owner", "admin"), changes: 1 },
        { query: setRole(to, "other", "owner"), changes: 1 },
      ]);
      if (!done) return err("not_found");
      changed(id, principal.accountId, to);
      return ok(undefined);
    },
  };
}
