import { Hono } from "hono";
import { parseConversationId } from "#shared/domain/ids.ts";
import type { Erasure } from "#server/jobs/erasure.ts";
import type { AppEnv } from "./app-env.ts";
import { problem } from "./problem.ts";

/** `DELETE /api/conversations/:id`: erases one that is in the trash. Rights are checked by the erasure. */
export const conversationRoutes = (erasure: Pick<Erasure, "erase">): Hono<AppEnv> =>
  new Hono<AppEnv>().delete("/:id", async (c) => {
    const id = parseConversationId(c.req.param("id"));
    const erased = id && (await erasure.erase(c.var.principal, id, "conversation"));
    if (!erased) return problem("not_found");
    return erased.ok ? c.body(null, 204, { "cache-control": "no-store" }) : problem(erased.failure);
  });
