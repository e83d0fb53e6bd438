import { Hono } from "hono";
import type { Context } from "hono";
import {
  changeRoleSchema,
  createInviteSchema,
  createWorkspaceSchema,
  inviteTokenSchema,
  renameWorkspaceSchema,
  transferWorkspaceSchema,
} from "#shared/protocol/workspace-bodies.ts";
import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import type { ProblemCode } from "#shared/protocol/problem.ts";
import type { Result } from "#shared/lib/result.ts";
import type { Invites } from "#server/accounts/invites.ts";
import type { Workspaces } from "#server/accounts/workspaces.ts";
import type { AppEnv } from "./app-env.ts";
import { readBody } from "./body.ts";
import { problem } from "./problem.ts";

type Ctx = Context<AppEnv>;

export interface WorkspaceRouteParts {
  workspaces: Workspaces;
  invites: Invites;
  /** an invitation for an e-mail was made: its link is to be sent */
  sendInvite: (invite: { token: string; email: string; by: AccountId }) => Promise<void>;
}

/** `/api/workspaces`: teams and who belongs to them. Rights are checked by the commands. */
export function workspaceRoutes({ workspaces, invites, sendInvite }: WorkspaceRouteParts): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .get("/", async (c) => c.json({ workspaces: await workspaces.list(c.var.principal) }))
    .post("/", async (c) => {
      const body = await readBody(c.req.raw, createWorkspaceSchema);
      if (!body.ok) return body.failure;
      const created = await workspaces.create(c.var.principal, body.value);
      if (created.ok) c.set("workspaceId", created.value.id as WorkspaceId);
      return created.ok ? c.json(created.value, 201) : problem(created.failure);
    })
    .patch("/:id", async (c) => {
      const body = await readBody(c.req.raw, renameWorkspaceSchema);
      if (!body.ok) return body.failure;
      return doneOr(c, await workspaces.rename(c.var.principal, c.req.param("id"), body.value.name));
    })
    .post("/:id/leave", async (c) => doneOr(c, await workspaces.leave(c.var.principal, c.req.param("id"))))
    .post("/:id/transfer", async (c) => {
      const body = await readBody(c.req.raw, transferWorkspaceSchema);
      if (!body.ok) return body.failure;
      return doneOr(c, await workspaces.transfer(c.var.principal, c.req.param("id"), body.value.accountId));
    })
    .get("/:id/members", async (c) => {
      const members = await workspaces.members(c.var.principal, c.req.param("id"));
      return members.ok ? c.json({ members: members.value }) : problem(members.failure);
    })
    .patch("/:id/members/:accountId", async (c) => {
      const body = await readBody(c.req.raw, changeRoleSchema);
      if (!body.ok) return body.failure;
      const { id, accountId } = c.req.param();
      return doneOr(c, await workspaces.changeRole(c.var.principal, id, accountId, body.value.role));
    })
    .delete("/:id/members/:accountId", async (c) => {
      const { id, accountId } = c.req.param();
      return doneOr(c, await workspaces.remove(c.var.principal, id, accountId));
    })
    .get("/:id/invites", async (c) => {
      const listed = await invites.list(c.var.principal, c.req.param("id"));
      return listed.ok ? c.json({ invites: listed.value }) : problem(listed.failure);
    })
    .post("/:id/invites", async (c) => {
      const body = await readBody(c.req.raw, createInviteSchema);
      if (!body.ok) return body.failure;
      const created = await invites.create(c.var.principal, c.req.param("id"), body.value);
      if (!created.ok) return problem(created.failure);
      const { email, token } = created.value;
      if (email !== undefined) await sendInvite({ token, email, by: c.var.principal.accountId });
      return c.json(created.value, 201);
    })
    .delete("/:id/invites/:inviteId", async (c) => {
      const { id, inviteId } = c.req.param();
      return doneOr(c, await invites.revoke(c.var.principal, id, inviteId));
    });
}

/** `/api/invites`: what somebody does who holds the link of an invitation. */
export const inviteRoutes = (invites: Invites): Hono<AppEnv> =>
  new Hono<AppEnv>()
    .post("/look", async (c) => {
      const body = await readBody(c.req.raw, inviteTokenSchema);
      if (!body.ok) return body.failure;
      const found = await invites.look(body.value.token);
      return found ? c.json(found) : problem("not_found");
    })
    .post("/accept", async (c) => {
      const body = await readBody(c.req.raw, inviteTokenSchema);
      if (!body.ok) return body.failure;
      const joined = await invites.accept(c.var.principal, body.value.token);
      if (joined.ok) c.set("workspaceId", joined.value.workspaceId);
      return joined.ok ? c.json(joined.value) : problem(joined.failure);
    });

const doneOr = (c: Ctx, done: Result<void, ProblemCode>): Response =>
  done.ok ? c.body(null, 204) : problem(done.failure);
