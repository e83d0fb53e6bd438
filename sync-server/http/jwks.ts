import { Hono } from "hono";
import type { Signing } from "#server/signing/open-signing.ts";
import type { AppEnv } from "./app-env.ts";

/** How long others may keep the keys, in seconds. A key that was made since then is looked up by whoever does not find it. */
const MAX_AGE_S = 300;

/** `GET /.well-known/jwks.json`: the public keys of this server, as any program may read them. */
export const jwksRoutes = (signing: Pick<Signing, "keys">): Hono<AppEnv> =>
  new Hono<AppEnv>().get("/.well-known/jwks.json", async (c) =>
    c.json(await signing.keys(), 200, {
      "cache-control": `public, max-age=${MAX_AGE_S}`,
      "access-control-allow-origin": "*",
    }),
  );
