import { Hono } from "hono";
import type { Me } from "#shared/protocol/http-bodies.ts";
import type { Auth } from "#server/access/auth.ts";
import type { AppEnv } from "./app-env.ts";

/** `GET /api/me`: who is calling. Prolongs the session, so an app that is opened now and then stays signed in. */
export const meRoutes = (auth: Pick<Auth, "renew">): Hono<AppEnv> =>
  new Hono<AppEnv>().get("/", async (c) => {
    const { accountId, workspaceId, kind } = c.var.principal;
    const me: Me = { accountId, workspaceId, kind };
    for (const cookie of await auth.renew(c.req.raw.headers)) c.header("set-cookie", cookie, { append: true });
    return c.json(me);
  });
