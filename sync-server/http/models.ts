import { Hono } from "hono";
import type { Providers } from "#server/runs/provider.ts";
import type { AppEnv } from "./app-env.ts";

/** `GET /`: the models people may choose, and the one a new chat starts with. Mounted at `/api/models`. */
export const modelRoutes = ({ providers }: { providers: Providers }): Hono<AppEnv> =>
  new Hono<AppEnv>().get("/", async (c) => {
    return c.json(await providers.list(), 200, { "cache-control": "no-store" });
  });
