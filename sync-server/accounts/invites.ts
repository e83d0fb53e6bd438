import { randomBytes } from "node:crypto";
import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import type { GivenRole, WorkspaceRole } from "#shared/domain/workspace.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { CreatedInvite, Invitation, Invites as ListedInvites } from "#shared/protocol/workspace-bodies.ts";
import { hashOfSecret } from "#server/access/access-tokens.ts";
import { authorize } from "#server/access/authorize.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import { readMembership } from "#server/access/session-rows.ts";
import { openMemberTenant } from "#server/access/member-tenant.ts";
import { CommitError } from "#server/storage/database.ts";
import { systemTables } from "#server/storage/system-tables.ts";
import type { WorkspaceParts } from "./workspaces.ts";

export const INVITE_MS = 7 * 86_400_000;
/** How many invitations to one workspace may be open at a time. */
const MOST_INVITES = 100;
const MOST_MEMBERS = 1_000;

export interface InviteParts extends WorkspaceParts {
  /** the address of an account, in lower case; undefined for a guest */
  emailOf: (accountId: AccountId) => Promise<string | undefined>;
}

export type Invites = ReturnType<typeof openInvites>;

/** Invitations to workspaces. Their tokens are stored hashed: whoever reads the database cannot join by them. */
export function openInvites({ database, bus, now, emailOf }: InviteParts) {
  const kysely = systemTables<"invite" | "workspace" | "member">(database);

  /** Whether somebody may invite others, and make or end an invitation for a role. */
  const may = async (principal: AccountPrincipal, id: string, role?: WorkspaceRole): Promise<boolean> => {
    const resource = await openMemberTenant(database, principal).workspaceResource(id);
    if (!authorize(principal, "member.invite", resource)) return false;
    const isBelowAdmin = role === undefined || role === "member" || role === "guest";
    return isBelowAdmin || authorize(principal, "admin.change", resource);
  };

  /** The invitation of a token, with where it leads to. */
  const find = (token: string) =>
    kysely
      .selectFrom("invite")
      .innerJoin("workspace", "workspace.id", "invite.workspace_id")
      .where("token_hash", "=", hashOfSecret(token))
      .where("expires_at", ">", now())
      .select([
        "invite.id",
        "invite.role",
        "invite.email",
        "invite.workspace_id as workspaceId",
        "workspace.name as workspaceName",
      ])
      .executeTakeFirst();

  return {
    async list(principal: AccountPrincipal, id: string): Promise<Result<ListedInvites["invites"], "not_found">> {
      if (!(await may(principal, id))) return err("not_found");
      const rows = await openMemberTenant(database, principal).invites(id, now());
      return ok(
        rows.map((row) => ({
          id: row.id,
          role: row.role,
          ...(row.email !== null && { email: row.email }),
          createdAt: row.created_at,
          expiresAt: row.expires_at,
        })),
      );
    },

    async create(
      principal: AccountPrincipal,
      workspaceId: string,
      { id, role, email }: { id: string; role: GivenRole; email?: string | undefined },
    ): Promise<Result<CreatedInvite, "not_found" | "too_many">> {
      if (!(await may(principal, workspaceId, role))) return err("not_found");
      const open = await openMemberTenant(database, principal).invites(workspaceId, now());
      if (open.length >= MOST_INVITES) return err("too_many");
      const token = randomBytes(24).toString("base64url");
      const createdAt = now();
      const expiresAt = createdAt + INVITE_MS;
      const row = {
        id,
        workspace_id: workspaceId,
        role,
        token_hash: hashOfSecret(token),
        email: email ?? null,
        created_by: principal.accountId,
        created_at: createdAt,
        expires_at: expiresAt,
      };
      try {
        await database.commit([{ query: kysely.insertInto("invite").values(row).compile(), changes: 1 }]);
      } catch (error) {
        // Its token was shown once; a repeated request cannot show it again.
        if (error instanceof CommitError && error.failure === "conflict") return err("not_found");
        throw error;
      }
      return ok({ id, role, ...(email !== undefined && { email }), createdAt, expiresAt, token });
    },

    /** Ends an invitation for a role that the caller may give; who may not make one for an admin ends none. */
    async revoke(principal: AccountPrincipal, workspaceId: string, id: string): Promise<Result<void, "not_found">> {
      const found = await kysely
        .selectFrom("invite")
        .where("workspace_id", "=", workspaceId)
        .where("id", "=", id)
        .select("role")
        .executeTakeFirst();
      if (!(await may(principal, workspaceId, found?.role))) return err("not_found");
      const { numDeletedRows } = await kysely
        .deleteFrom("invite")
        .where("workspace_id", "=", workspaceId)
        .where("id", "=", id)
        .executeTakeFirst();
      return numDeletedRows > 0n ? ok(undefined) : err("not_found");
    },

    /** Where an invitation leads to, for whoever holds its token. */
    async look(token: string): Promise<Invitation | undefined> {
      const found = await find(token);
      return found && { workspaceName: found.workspaceName, role: found.role };
    },

    /** Whether whoever has this address may come by an invitation. */
    async isFor(token: string, email: string): Promise<boolean> {
      const found = await find(token);
      return found !== undefined && (found.email === null || found.email === email);
    },

    /**
     * Joins by an invitation. One for an e-mail is used up; who is a member already stays what they are. `not_found` for
     * one that is over, was revoked, or is for somebody else.
     */
    async accept(
      principal: AccountPrincipal,
      token: string,
    ): Promise<Result<{ workspaceId: WorkspaceId }, "not_found" | "too_many">> {
      const { accountId } = principal;
      const found = await find(token);
      if (!found || !authorize(principal, "workspace.join", "none")) return err("not_found");
      const workspaceId = found.workspaceId as WorkspaceId;
      if (found.email !== null && found.email !== (await emailOf(accountId))) return err("not_found");
      if (await readMembership(database, accountId, workspaceId)) return ok({ workspaceId });
      const { count } = await kysely
        .selectFrom("member")
        .where("workspace_id", "=", workspaceId)
        .select((eb) => eb.fn.countAll<number>().as("count"))
        .executeTakeFirstOrThrow();
      if (count >= MOST_MEMBERS) return err("too_many");
      const member = { workspace_id: workspaceId, account_id: accountId, role: found.role, joined_at: now() };
      const join = kysely
        .insertInto("member")
        .values(member)
        .onConflict((conflict) => conflict.doNothing());
      const stillOpen = kysely.updateTable("invite").set({ id: found.id }).where("id", "=", found.id);
      const useUp = kysely.deleteFrom("invite").where("id", "=", found.id);
      try {
        await database.commit([
          // Revoked in this moment, or used up by another device: nothing is joined.
          { query: (found.email === null ? stillOpen : useUp).compile(), changes: 1 },
          { query: join.compile() },
        ]);
      } catch (error) {
        if (error instanceof CommitError && error.failure === "conflict") return err("not_found");
        throw error;
      }
      bus.publish({ type: "membership-changed", accountId, workspaceId });
      return ok({ workspaceId });
    },
  };
}
