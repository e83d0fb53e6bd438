import { Hono } from "hono";
import type { Context } from "hono";
import {
  forgotPasswordSchema,
  resetPasswordSchema,
  signInSchema,
  signUpSchema,
  verifyEmailSchema,
} from "#shared/protocol/account-bodies.ts";
import type { Methods } from "#shared/protocol/account-bodies.ts";
import { ACCOUNT_HEADER } from "#shared/protocol/account-header.ts";
import { hashOfSecret } from "#server/access/access-tokens.ts";
import { withoutSession } from "#server/access/auth-request.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import { isWeakPassword } from "#server/accounts/password-rules.ts";
import type { AppEnv } from "./app-env.ts";
import { readBody, refusalOfEmpty } from "./body.ts";
import { clientAddress } from "./client-address.ts";
import { refusalOfLimit } from "./limit-requests.ts";
import { oidcCallbackRoutes, oidcRoutes } from "./oidc.ts";
import type { OidcRouteParts } from "./oidc.ts";
import { passkeySignInRoutes } from "./passkey-sign-in.ts";
import type { PasskeySignInParts } from "./passkey-sign-in.ts";
import { problem } from "./problem.ts";
import { createSignIns, done } from "./sign-ins.ts";

type Ctx = Context<AppEnv>;

interface NewAccount {
  email: string;
  password: string;
  name: string;
  rememberMe: boolean;
}

export interface AuthRouteParts extends PasskeySignInParts, OidcRouteParts {
  methods: Methods;
  /** whether the token of an invitation may be used now, by whoever has this address */
  isInvited: (token: string, email: string) => Promise<boolean>;
}

/**
 * Signing in and out, and what people do who are not signed in. Answers 204 with cookies; who one is says `GET /api/me`.
 * A session that is replaced by a new one is ended.
 */
export function authRoutes(parts: AuthRouteParts): Hono<AppEnv> {
  const { auth, methods, limiter, isInvited } = parts;
  const { callerOf, leave } = createSignIns(parts);

  async function signIn(c: Ctx): Promise<Response> {
    const body = await readBody(c.req.raw, signInSchema);
    if (!body.ok) return body.failure;
    const { email, password, sharedDevice = false } = body.value;
    const keys = { address: clientAddress(c.env?.incoming, parts.trustedProxies), name: hashOfSecret(email) };
    const refused = await refusalOfLimit(c, limiter, "sign-in", keys);
    if (refused) return refused;
    const before = await callerOf(c);
    const from = before ? c.req.raw : withoutSession(c.req.raw);
    const answer = await auth.call("/sign-in/email", from, { email, password, rememberMe: !sharedDevice });
    if (!answer.ok) return problem("wrong_credentials");
    // Only failures count.
    await limiter.giveBack("sign-in", keys);
    if (answer.accountId) c.set("subject", answer.accountId);
    // A guest who signs in was merged, and has no session any more.
    await leave(before);
    return done(await auth.settle(answer.cookies, c.req.raw, sharedDevice));
  }

  async function signUp(c: Ctx): Promise<Response> {
    const body = await readBody(c.req.raw, signUpSchema);
    if (!body.ok) return body.failure;
    const { email, password, name = "", invite, sharedDevice = false } = body.value;
    if (!methods.signUp && (invite === undefined || !(await isInvited(invite, email)))) return problem("sign_up_off");
    if (await isWeakPassword(password, email)) return problem("password_weak");
    const before = await callerOf(c);
    const answer = await makeAccount(c, before, { email, password, name, rememberMe: !sharedDevice });
    if (answer === "email_taken" || !answer.ok) return problem("email_taken");
    if (answer.accountId) c.set("subject", answer.accountId);
    await leave(before);
    await auth.call("/send-verification-email", c.req.raw, { email });
    return done(await auth.settle(answer.cookies, c.req.raw, sharedDevice));
  }

  /** Makes an account and signs in to it: a guest becomes it, anybody else gets a new one. */
  async function makeAccount(c: Ctx, before: AccountPrincipal | undefined, account: NewAccount) {
    const { email, password, rememberMe } = account;
    if (before?.kind !== "guest") return auth.call("/sign-up/email", withoutCookies(c.req.raw), { ...account });
    const upgraded = await auth.upgradeGuest(before.accountId, account);
    return upgraded === "upgraded" ? auth.call("/sign-in/email", c.req.raw, { email, password, rememberMe }) : upgraded;
  }

  async function becomeGuest(c: Ctx): Promise<Response> {
    const refused = await refusalOfEmpty(c.req.raw);
    if (refused) return refused;
    // A guest who signs in again stays who they are: a second account would hide the first one's chats.
    if (await callerOf(c)) return done([]);
    if (!methods.guests) return problem("guests_off");
    const answer = await auth.call("/sign-in/anonymous", withoutCookies(c.req.raw), {});
    if (answer.accountId) c.set("subject", answer.accountId);
    // Whoever was here before on a shared device may have left their mark.
    return answer.ok ? done(await auth.settle(answer.cookies, c.req.raw, false)) : problem("unauthenticated");
  }

  async function signOut(c: Ctx): Promise<Response> {
    const refused = await refusalOfEmpty(c.req.raw);
    if (refused) return refused;
    const before = await callerOf(c);
    // Who means another account than the browser is signed in to signs nobody out.
    if (before === undefined && c.req.header(ACCOUNT_HEADER) !== undefined) return problem("unauthenticated");
    const answer = await auth.call("/sign-out", c.req.raw, {});
    if (before) c.set("subject", before.accountId);
    await leave(before);
    return answer.ok ? done(answer.cookies) : problem("unauthenticated");
  }

  return new Hono<AppEnv>()
    .route("/passkey", passkeySignInRoutes(parts))
    .route("/oidc", oidcRoutes(parts))
    .route("/callback", oidcCallbackRoutes(parts))
    .get("/methods", (c) => c.json(methods))
    .post("/sign-in/anonymous", (c) => becomeGuest(c))
    .post("/sign-in", (c) => signIn(c))
    .post("/sign-up", (c) => signUp(c))
    .post("/sign-out", (c) => signOut(c))
    .post("/password/forgot", async (c) => {
      const body = await readBody(c.req.raw, forgotPasswordSchema);
      if (!body.ok) return body.failure;
      const refused = await refusalOfLimit(c, limiter, "mail", { name: hashOfSecret(body.value.email) });
      if (refused) return refused;
      // The same answer whether or not the address is somebody's.
      await auth.call("/request-password-reset", withoutCookies(c.req.raw), body.value);
      return done([]);
    })
    .post("/password/reset", async (c) => {
      const body = await readBody(c.req.raw, resetPasswordSchema);
      if (!body.ok) return body.failure;
      const { token, password } = body.value;
      if (await isWeakPassword(password, "")) return problem("password_weak");
      const answer = await auth.call("/reset-password", withoutCookies(c.req.raw), { token, newPassword: password });
      return answer.ok ? done([]) : problem("gone");
    })
    .post("/email/verify", async (c) => {
      const body = await readBody(c.req.raw, verifyEmailSchema);
      if (!body.ok) return body.failure;
      const path = `/verify-email?token=${encodeURIComponent(body.value.token)}`;
      const answer = await auth.call(path, withoutCookies(c.req.raw));
      return answer.ok ? done([]) : problem("gone");
    });
}

/** What is done for whoever holds a link is not done for whoever is signed in. */
function withoutCookies({ url, headers }: Request): Request {
  const bare = new Headers(headers);
  bare.delete("cookie");
  return new Request(url, { headers: bare });
}
