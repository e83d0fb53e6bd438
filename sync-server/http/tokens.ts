import { Hono } from "hono";
import { createTokenSchema } from "#shared/protocol/token-bodies.ts";
import type { AccessTokens } from "#server/accounts/tokens.ts";
import type { AppEnv } from "./app-env.ts";
import { readBody } from "./body.ts";
import { problem } from "./problem.ts";

/** `/api/tokens`: personal access tokens for programs. */
export const tokenRoutes = (tokens: AccessTokens): Hono<AppEnv> =>
  new Hono<AppEnv>()
    .get("/", async (c) => c.json({ tokens: await tokens.list(c.var.principal) }))
    .post("/", async (c) => {
      const body = await readBody(c.req.raw, createTokenSchema);
      if (!body.ok) return body.failure;
      const created = await tokens.create(c.var.principal, body.value);
      return created.ok ? c.json(created.value, 201) : problem(created.failure);
    })
    .delete("/:id", async (c) => {
      const revoked = await tokens.revoke(c.var.principal, c.req.param("id"));
      return revoked.ok ? c.body(null, 204) : problem(revoked.failure);
    });
