import { Hono } from "hono";
import type { Context } from "hono";
import { addPasskeySchema, renamePasskeySchema } from "#shared/protocol/passkey-bodies.ts";
import type { Auth } from "#server/access/auth.ts";
import { withoutAttestation } from "#server/accounts/attestation.ts";
import type { Credentials } from "#server/accounts/credentials.ts";
import type { Passkeys } from "#server/accounts/passkeys.ts";
import type { AppEnv } from "./app-env.ts";
import { readBody, refusalOfEmpty } from "./body.ts";
import { problem } from "./problem.ts";
import { refusalOfStale } from "./recent.ts";
import type { RecentParts } from "./recent.ts";

export interface PasskeyRouteParts extends RecentParts {
  auth: Auth;
  passkeys: Passkeys;
  credentials: Credentials;
}

/** How long a person may take to answer their browser. */
const CEREMONY_MS = 5 * 60_000;

/** `/api/passkeys`: the passkeys of whoever is signed in. */
export function passkeyRoutes(parts: PasskeyRouteParts): Hono<AppEnv> {
  const { auth, passkeys, credentials } = parts;

  async function options(c: Context<AppEnv>): Promise<Response> {
    const refused = (await refusalOfEmpty(c.req.raw)) ?? (await refusalOfStale(c, parts));
    if (refused) return refused;
    if (!(await passkeys.hasRoom(c.var.principal.accountId))) return problem("too_many");
    const challenge = await auth.challenge("register", c.req.raw);
    if (!challenge) return problem("unauthenticated");
    for (const cookie of challenge.cookies) c.header("set-cookie", cookie, { append: true });
    return c.json(challenge.options);
  }

  async function add(c: Context<AppEnv>): Promise<Response> {
    const { accountId } = c.var.principal;
    const body = await readBody(c.req.raw, addPasskeySchema);
    if (!body.ok) return body.failure;
    const stale = await refusalOfStale(c, parts, CEREMONY_MS);
    if (stale) return stale;
    if (!(await passkeys.hasRoom(accountId))) return problem("too_many");
    const credential = withoutAttestation(body.value.credential);
    if (credential === undefined || (await passkeys.isKnown(accountId, credential.id)))
      return problem("passkey_invalid");
    const made = { response: credential, name: body.value.name };
    const answer = await auth.call("/passkey/verify-registration", c.req.raw, made);
    const added = answer.ok ? await passkeys.byCredential(accountId, credential.id) : undefined;
    return added ? c.json(added, 201) : problem("passkey_invalid");
  }

  async function remove(c: Context<AppEnv>): Promise<Response> {
    const stale = await refusalOfStale(c, parts);
    if (stale) return stale;
    const removal = await credentials.removePasskey(c.var.principal.accountId, c.req.param("id") ?? "");
    return removal === "removed" ? c.body(null, 204) : problem(removal);
  }

  return new Hono<AppEnv>()
    .get("/", async (c) => c.json({ passkeys: await passkeys.list(c.var.principal.accountId) }))
    .post("/options", (c) => options(c))
    .post("/", (c) => add(c))
    .patch("/:id", async (c) => {
      const body = await readBody(c.req.raw, renamePasskeySchema);
      if (!body.ok) return body.failure;
      const renamed = await passkeys.rename(c.var.principal.accountId, c.req.param("id"), body.value.name);
      return renamed ? c.body(null, 204) : problem("not_found");
    })
    .delete("/:id", (c) => remove(c));
}
