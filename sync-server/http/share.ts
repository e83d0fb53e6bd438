import { Hono } from "hono";
import { SHARE_PATH, sharedAddress } from "#shared/protocol/share-target.ts";
import type { AppEnv } from "./app-env.ts";
import { readAtMost } from "./body.ts";
import { problem } from "./problem.ts";

/** The text travels on in a header, and proxies take no long ones. The service worker, which has none, takes more. */
const SHARE_LIMIT_BYTES = 16 * 1024;
const FORM = "application/x-www-form-urlencoded";

/**
 * `POST /share`: what the service worker answers by itself, for an installed app without one. It stores nothing and
 * asks for nobody, and the page it leads to sends nothing by itself: so the one request that changes nothing may come
 * from anywhere, as it does when the system opens the app.
 */
export const shareRoutes = (): Hono<AppEnv> =>
  new Hono<AppEnv>().post(SHARE_PATH, async (c) => {
    const bytes = await readAtMost(c.req.raw, SHARE_LIMIT_BYTES);
    if (!bytes) return problem("body_too_large");
    if (c.req.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase() !== FORM)
      return problem("unsupported_media_type");
    const form = new URLSearchParams(new TextDecoder().decode(bytes));
    return c.body(null, 303, {
      location: sharedAddress((name) => form.get(name) ?? ""),
      "cache-control": "no-store",
    });
  });
