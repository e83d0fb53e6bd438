import { Hono } from "hono";
import type { Context } from "hono";
import * as z from "zod/mini";
import { OIDC_FAILED_PAGE, addOidcSchema, startOidcSchema } from "#shared/protocol/oidc-bodies.ts";
import type { OidcFailure } from "#shared/protocol/oidc-bodies.ts";
import type { Auth } from "#server/access/auth.ts";
import { OIDC } from "#server/access/oidc-plugin.ts";
import type { Credentials } from "#server/accounts/credentials.ts";
import type { AppEnv } from "./app-env.ts";
import { readBody } from "./body.ts";
import { FAILED, addressOf, outcomeOf } from "./oidc-outcome.ts";
import { problem } from "./problem.ts";
import { refusalOfStale } from "./recent.ts";
import type { RecentParts } from "./recent.ts";
import { createSignIns } from "./sign-ins.ts";
import type { SignInParts } from "./sign-ins.ts";

type Ctx = Context<AppEnv>;

export interface OidcRouteParts extends SignInParts {
  /** whether this server has a provider to sign in with */
  hasOidc: boolean;
}

export interface OwnOidcParts extends RecentParts {
  auth: Auth;
  hasOidc: boolean;
  credentials: Credentials;
}

/** What providers add to it is theirs. */
const text = z.optional(z.string().check(z.maxLength(4_000)));
const answerSchema = z.object({ state: text, code: text, iss: text, error: text });

/** `/api/auth/oidc`: going to the provider. */
export const oidcRoutes = ({ auth, hasOidc }: OidcRouteParts): Hono<AppEnv> =>
  new Hono<AppEnv>().post("/start", async (c) => {
    const body = await readBody(c.req.raw, startOidcSchema);
    if (!body.ok) return body.failure;
    if (!hasOidc) return problem("not_found");
    return await goToProvider(c, auth, "/sign-in/social", addressOf("signed-in", body.value));
  });

function failed(c: Ctx, why: OidcFailure): Response {
  c.set("outcome", { refused: why });
  return c.redirect(`${OIDC_FAILED_PAGE}#${why}`, 302);
}

/** `/api/auth/callback`: coming back from it. */
export function oidcCallbackRoutes(parts: OidcRouteParts): Hono<AppEnv> {
  const { auth, hasOidc } = parts;
  const signIns = createSignIns(parts);

  async function comeBack(c: Ctx): Promise<Response> {
    if (!hasOidc) return problem("not_found");
    const answered = z.safeParse(answerSchema, c.req.query());
    if (!answered.success) return failed(c, "failed");
    const before = await signIns.callerOf(c);
    const query = new URLSearchParams(JSON.parse(JSON.stringify(answered.data)) as Record<string, string>);
    const answer = await auth.call(`/callback/${OIDC}?${query.toString()}`, c.req.raw);
    const outcome = outcomeOf(answer.leadsTo);
    switch (outcome.type) {
      case "failed":
        return failed(c, outcome.why);
      case "added":
        if (before) c.set("subject", before.accountId);
        c.set("outcome", { done: "oidc.add" });
        return c.redirect(outcome.next, 302);
      case "signed-in": {
        const accountId = await signIns.accountOf(answer.cookies);
        const cookies = await signIns.arrive(c, before, { ...answer, accountId }, outcome.sharedDevice);
        for (const cookie of cookies) c.header("set-cookie", cookie, { append: true });
        return c.redirect(outcome.next, 302);
      }
    }
  }

  return new Hono<AppEnv>().get(`/${OIDC}`, (c) => comeBack(c));
}

/** `/api/account/oidc`: an account at the provider as one more way to sign in to one's own. */
export const ownOidcRoutes = ({ auth, hasOidc, credentials, ...recent }: OwnOidcParts): Hono<AppEnv> =>
  new Hono<AppEnv>()
    .post("/", async (c) => {
      const body = await readBody(c.req.raw, addOidcSchema);
      if (!body.ok) return body.failure;
      if (!hasOidc) return problem("not_found");
      const stale = await refusalOfStale(c, recent);
      return stale ?? (await goToProvider(c, auth, "/link-social", addressOf("added", body.value)));
    })
    .delete("/", async (c) => {
      const stale = await refusalOfStale(c, recent);
      if (stale) return stale;
      const removal = await credentials.removeOidc(c.var.principal.accountId);
      return removal === "removed" ? c.body(null, 204) : problem(removal);
    });

async function goToProvider(c: Ctx, auth: Auth, path: string, callbackURL: string): Promise<Response> {
  const asked = { provider: OIDC, disableRedirect: true, callbackURL, errorCallbackURL: FAILED };
  const answer = await auth.call(path, c.req.raw, asked);
  if (answer.code === "PROVIDER_NOT_FOUND") return problem("oidc_unavailable");
  if (!answer.ok) return problem("unauthenticated");
  for (const cookie of answer.cookies) c.header("set-cookie", cookie, { append: true });
  return c.json({ url: answer.leadsTo });
}
