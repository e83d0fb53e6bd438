import { Hono } from "hono";
import type { Me } from "#shared/protocol/http-bodies.ts";
import type { Auth } from "#server/access/auth.ts";
import type { AccountProfiles } from "#server/accounts/profiles.ts";
import type { AppEnv } from "./app-env.ts";

/** How long a device that was away hears which guests became its account. */
const MERGED_MS = 180 * 86_400_000;

export interface MeParts {
  auth: Pick<Auth, "renew" | "isShared">;
  profiles: AccountProfiles;
  now: () => number;
}

/** `GET /api/me`: who is calling. Prolongs the session, so an app that is opened now and then stays signed in. */
export const meRoutes = ({ auth, profiles, now }: MeParts): Hono<AppEnv> =>
  new Hono<AppEnv>().get("/", async (c) => {
    const { accountId, workspaceId, kind, role, credential } = c.var.principal;
    const me: Me = {
      accountId,
      workspaceId,
      kind,
      role,
      ...(await ofWorkspace()),
      ...(auth.isShared(c.req.raw.headers) && { sharedDevice: true }),
      ...(kind === "account" && (await aboutAccount())),
    };
    if (credential.type === "session")
      for (const cookie of await auth.renew(c.req.raw.headers)) c.header("set-cookie", cookie, { append: true });
    return c.json(me);

    async function ofWorkspace() {
      const name = await profiles.workspaceName(c.var.principal);
      return name === "" ? {} : { workspaceName: name };
    }

    async function aboutAccount() {
      const [{ name, email, emailVerified }, merged] = await Promise.all([
        profiles.of(accountId),
        profiles.merged(accountId, now() - MERGED_MS),
      ]);
      return { name, ...(email !== undefined && { email }), emailVerified, ...(merged.length > 0 && { merged }) };
    }
  });
