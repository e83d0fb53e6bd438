import type { IncomingMessage } from "node:http";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { LimitKeys, LimitKind, LimitOutcome, Limiter } from "#server/limits/limiter.ts";
import type { AppEnv } from "./app-env.ts";
import { clientAddress } from "./client-address.ts";
import { problem } from "./problem.ts";

/** What a request counts as; `undefined` for what is not limited here. */
export type KindOf = (c: Context<AppEnv>) => LimitKind | undefined;

type Caller = Pick<AccountPrincipal, "accountId" | "workspaceId">;

interface Network {
  trustedProxies: number;
}

/**
 * Counts requests by where they come from, before anybody is asked who they are. Mounted before `limitAccounts` and every
 * handler that counts: what is left of the tightest limit goes out with each answer from here.
 */
export const limitAddresses = (limiter: Limiter, { trustedProxies }: Network, kindOf: KindOf) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const kind = kindOf(c);
    const refused = kind && (await refusalOfLimit(c, limiter, kind, addressKeys(c.env?.incoming, trustedProxies)));
    if (refused) return refused;
    await next();
    if (c.var.limit)
      for (const [name, value] of Object.entries(limitHeaders(c.var.limit))) c.res.headers.set(name, value);
  });

/** Counts requests by account and workspace, where somebody was asked who they are. */
export const limitAccounts = (limiter: Limiter, kindOf: KindOf) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const kind = kindOf(c);
    const principal: AccountPrincipal | undefined = c.var.principal;
    const refused = kind && principal && (await refusalOfLimit(c, limiter, kind, accountKeys(principal)));
    return refused ?? next();
  });

/** Counts one request; answers what to say to whom asks too often. For handlers that count by what is in the body. */
export async function refusalOfLimit(
  c: Context<AppEnv>,
  limiter: Limiter,
  kind: LimitKind,
  keys: LimitKeys,
): Promise<Response | undefined> {
  const outcome = await limiter.take(kind, keys);
  const before = c.var.limit;
  const tightest = before && before.remaining < outcome.remaining ? before : outcome;
  c.set("limit", tightest);
  const headers = limitHeaders(tightest);
  // A handler that writes to the raw response (a run's stream) must carry them too.
  for (const [name, value] of Object.entries(headers)) c.env?.outgoing?.setHeader(name, value);
  return outcome.ok ? undefined : problem("rate_limited", { headers });
}

/**
 * Counts an upgrade, by address where no principal is given yet, else by account and workspace. Answers the headers of the
 * 429 for whom asks too often.
 */
export async function admitUpgrade(
  limiter: Limiter,
  request: IncomingMessage,
  { trustedProxies }: Network,
  principal?: Caller,
): Promise<Readonly<Record<string, string>> | undefined> {
  const keys = principal ? accountKeys(principal) : addressKeys(request, trustedProxies);
  const outcome = await limiter.take("sync", keys);
  return outcome.ok ? undefined : limitHeaders(outcome);
}

const addressKeys = (...arrival: Parameters<typeof clientAddress>): LimitKeys => ({
  address: clientAddress(...arrival),
});
const accountKeys = ({ accountId, workspaceId }: Caller): LimitKeys => ({ accountId, workspaceId });

/** The headers of draft-ietf-httpapi-ratelimit-headers-06, and `Retry-After` of a refusal. None where nothing was counted. */
function limitHeaders(outcome: LimitOutcome): Readonly<Record<string, string>> {
  if (outcome.limit === Infinity) return {};
  return {
    "ratelimit-limit": `${outcome.limit}`,
    "ratelimit-remaining": `${outcome.remaining}`,
    "ratelimit-reset": `${secondsOf(outcome.resetMs)}`,
    ...(!outcome.ok && { "retry-after": `${Math.max(1, secondsOf(outcome.retryAfterMs))}` }),
  };
}

/** Rounded up: who comes back after so many seconds is not early. */
const secondsOf = (ms: number): number => Math.ceil(ms / 1000);
