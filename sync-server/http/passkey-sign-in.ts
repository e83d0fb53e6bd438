import { Hono } from "hono";
import type { Context } from "hono";
import { passkeySignInSchema } from "#shared/protocol/passkey-bodies.ts";
import type { Limiter } from "#server/limits/limiter.ts";
import type { AppEnv } from "./app-env.ts";
import { readBody, refusalOfEmpty } from "./body.ts";
import { clientAddress } from "./client-address.ts";
import { refusalOfLimit } from "./limit-requests.ts";
import { problem } from "./problem.ts";
import { createSignIns, done } from "./sign-ins.ts";
import type { SignInParts } from "./sign-ins.ts";

export interface PasskeySignInParts extends SignInParts {
  limiter: Limiter;
  /** how many proxies stand before the server */
  trustedProxies: number;
}

/** `/api/auth/passkey`: signing in with a passkey, without a name. */
export function passkeySignInRoutes(parts: PasskeySignInParts): Hono<AppEnv> {
  const { auth, limiter, trustedProxies } = parts;
  const signIns = createSignIns(parts);

  async function signIn(c: Context<AppEnv>): Promise<Response> {
    const body = await readBody(c.req.raw, passkeySignInSchema);
    if (!body.ok) return body.failure;
    const { credential, sharedDevice = false } = body.value;
    const keys = { address: clientAddress(c.env?.incoming, trustedProxies) };
    const refused = await refusalOfLimit(c, limiter, "sign-in", keys);
    if (refused) return refused;
    const before = await signIns.callerOf(c);
    const answer = await auth.call("/passkey/verify-authentication", c.req.raw, { response: credential });
    if (!answer.ok) return problem("wrong_credentials");
    // Only failures count.
    await limiter.giveBack("sign-in", keys);
    return done(await signIns.arrive(c, before, answer, sharedDevice));
  }

  return new Hono<AppEnv>()
    .post("/options", async (c) => {
      const refused = await refusalOfEmpty(c.req.raw);
      if (refused) return refused;
      const challenge = await auth.challenge("authenticate", c.req.raw);
      if (!challenge) return problem("internal");
      for (const cookie of challenge.cookies) c.header("set-cookie", cookie, { append: true });
      return c.json(challenge.options);
    })
    .post("/sign-in", (c) => signIn(c));
}
