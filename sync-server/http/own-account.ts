import { Hono } from "hono";
import { changePasswordSchema } from "#shared/protocol/account-bodies.ts";
import type { Auth } from "#server/access/auth.ts";
import type { Credentials } from "#server/accounts/credentials.ts";
import type { AccountSessions } from "#server/accounts/sessions.ts";
import { isWeakPassword } from "#server/accounts/password-rules.ts";
import type { AccountProfiles } from "#server/accounts/profiles.ts";
import type { AppEnv } from "./app-env.ts";
import { readBody } from "./body.ts";
import { problem } from "./problem.ts";

export interface OwnAccountParts {
  auth: Pick<Auth, "call" | "settle" | "isShared">;
  sessions: AccountSessions;
  profiles: AccountProfiles;
  credentials: Pick<Credentials, "of">;
  now: () => number;
}

/** `/api/sessions`: where an account is signed in. */
export const sessionRoutes = ({ sessions, now }: Pick<OwnAccountParts, "sessions" | "now">): Hono<AppEnv> =>
  new Hono<AppEnv>()
    .get("/", async (c) => {
      const { accountId, credential } = c.var.principal;
      if (credential.type !== "session") return problem("not_found");
      return c.json({ sessions: await sessions.list(accountId, credential.sessionId, now()) });
    })
    .delete("/:id", async (c) => {
      const { accountId } = c.var.principal;
      const ended = await sessions.endOne(accountId, c.req.param("id"));
      return ended ? c.body(null, 204) : problem("not_found");
    })
    /** All but the one that asks. */
    .delete("/", async (c) => {
      const { accountId, credential } = c.var.principal;
      if (credential.type !== "session") return problem("not_found");
      await sessions.endAll(accountId, credential.sessionId);
      return c.body(null, 204);
    });

/** `/api/account`: how somebody signs in to their own. */
export const credentialRoutes = ({ auth, sessions, profiles, credentials }: OwnAccountParts): Hono<AppEnv> =>
  new Hono<AppEnv>()
    .get("/credentials", async (c) => c.json(await credentials.of(c.var.principal.accountId)))
    .post("/password", async (c) => {
      const { accountId } = c.var.principal;
      const body = await readBody(c.req.raw, changePasswordSchema);
      if (!body.ok) return body.failure;
      const { email } = await profiles.of(accountId);
      if (await isWeakPassword(body.value.next, email ?? "")) return problem("password_weak");
      const before = await sessions.idsOf(accountId);
      const answer = await auth.call("/change-password", c.req.raw, {
        currentPassword: body.value.current,
        newPassword: body.value.next,
        revokeOtherSessions: true,
      });
      if (!answer.ok) return problem("wrong_credentials");
      // Every session there was is over, the caller's too, who has a new one.
      await sessions.end(accountId, before);
      const cookies = await auth.settle(answer.cookies, c.req.raw, auth.isShared(c.req.raw.headers));
      for (const cookie of cookies) c.header("set-cookie", cookie, { append: true });
      return c.body(null, 204);
    })
    .post("/email/verification", async (c) => {
      const { accountId } = c.var.principal;
      const { email } = await profiles.of(accountId);
      if (email !== undefined) await auth.call("/send-verification-email", c.req.raw, { email });
      return c.body(null, 204);
    });
