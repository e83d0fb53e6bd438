import type { Context } from "hono";
import type { Auth } from "#server/access/auth.ts";
import type { AuthAnswer } from "#server/access/auth-request.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { PrincipalResolver } from "#server/access/principal-resolver.ts";
import type { AccountSessions } from "#server/accounts/sessions.ts";
import type { AppEnv } from "./app-env.ts";

type Ctx = Context<AppEnv>;

export interface SignInParts {
  auth: Auth;
  resolver: PrincipalResolver;
  sessions: AccountSessions;
}

/** What all ways to sign in have in common. */
export function createSignIns({ auth, resolver, sessions }: SignInParts) {
  const principalOf = async (headers: Headers): Promise<AccountPrincipal | undefined> => {
    const resolved = await resolver.resolve(headers);
    return resolved.ok ? resolved.value : undefined;
  };

  /** Ends the session somebody had before. */
  async function leave(before: AccountPrincipal | undefined): Promise<void> {
    if (before?.credential.type !== "session") return;
    await sessions.end(before.accountId, [before.credential.sessionId]);
  }

  return {
    callerOf: (c: Ctx): Promise<AccountPrincipal | undefined> => principalOf(c.req.raw.headers),
    leave,
    /** Whose session these cookies set. */
    async accountOf(cookies: readonly string[]) {
      const cookie = cookies.map((line) => line.split(";", 1)[0] ?? "").join("; ");
      return (await principalOf(new Headers({ cookie })))?.accountId;
    },
    /** Ends what was before, and answers the cookies of what is now. A guest who signs in was merged, and has no session any more. */
    async arrive(c: Ctx, before: AccountPrincipal | undefined, answer: AuthAnswer, sharedDevice: boolean) {
      if (answer.accountId) c.set("subject", answer.accountId);
      await leave(before);
      return await auth.settle(answer.cookies, c.req.raw, sharedDevice);
    },
  };
}

export function done(cookies: readonly string[]): Response {
  const response = new Response(null, { status: 204 });
  for (const cookie of cookies) response.headers.append("set-cookie", cookie);
  return response;
}
