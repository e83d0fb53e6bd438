import { Hono } from "hono";
import type { WorkspaceId } from "#shared/domain/ids.ts";
import { auditQuerySchema } from "#shared/protocol/audit-bodies.ts";
import { readAccountAudit, readWorkspaceAudit } from "#server/access/audit-rows.ts";
import type { AuditPageQuery } from "#server/access/audit-rows.ts";
import { authorize } from "#server/access/authorize.ts";
import { openMemberTenant } from "#server/access/member-tenant.ts";
import type { Database } from "#server/storage/database.ts";
import type { Result } from "#shared/lib/result.ts";
import type { AppEnv } from "./app-env.ts";
import { readQuery } from "./body.ts";
import { problem } from "./problem.ts";

const USUAL_LIMIT = 100;
const MOST = 200;

/** `GET /api/audit`: what the log says about the caller. */
export const auditRoutes = (database: Database): Hono<AppEnv> =>
  new Hono<AppEnv>().get("/", async (c) => {
    const page = pageOf(c.req.url);
    return page.ok ? c.json(await readAccountAudit(database, c.var.principal.accountId, page.value)) : page.failure;
  });

/** `GET /api/workspaces/:id/audit`: what it says about a workspace, for whoever runs it. */
export const workspaceAuditRoutes = (database: Database): Hono<AppEnv> =>
  new Hono<AppEnv>().get("/:id/audit", async (c) => {
    const id = c.req.param("id");
    const page = pageOf(c.req.url);
    if (!page.ok) return page.failure;
    const resource = await openMemberTenant(database, c.var.principal).workspaceResource(id);
    if (!authorize(c.var.principal, "workspace.audit", resource)) return problem("not_found");
    return c.json(await readWorkspaceAudit(database, c.var.principal, id as WorkspaceId, page.value));
  });

function pageOf(url: string): Result<AuditPageQuery, Response> {
  const query = readQuery(url, auditQuerySchema);
  if (!query.ok) return query;
  const { before, limit } = query.value;
  return {
    ok: true,
    value: {
      before: before === undefined ? undefined : Number(before),
      limit: Math.min(Number(limit ?? USUAL_LIMIT), MOST),
    },
  };
}
