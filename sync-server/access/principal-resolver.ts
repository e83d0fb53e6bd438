import { rememberLast } from "./remember-last.ts";
import { ACCOUNT_HEADER, WORKSPACE_HEADER } from "#shared/protocol/account-header.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { PolicyBus } from "#server/bus/policy-bus.ts";
import type { Database } from "#server/storage/database.ts";
import { bearerOf, noteTokenUse, readAccessToken } from "./access-tokens.ts";
import type { Auth } from "./auth.ts";
import type { AccountPrincipal } from "./principal.ts";
import { personalWorkspace, readMembership, readSession } from "./session-rows.ts";

/** `unauthenticated`: nobody, or another account than they take themselves for. `not_found`: the workspace is not theirs. */
export type Resolved = Result<AccountPrincipal, "unauthenticated" | "not_found">;

export interface PrincipalResolver {
  /**
   * Who is calling, by a session's cookie or a personal access token, and in which workspace. What ended or changed
   * is noticed at once where this process did it, and within `CACHE_MS` in any case.
   */
  resolve(headers: Headers): Promise<Resolved>;
}

export interface ResolverParts {
  auth: Pick<Auth, "tokenOf">;
  database: Database;
  bus: Pick<PolicyBus, "subscribe">;
  now: () => number;
  /** makes the id of a personal workspace */
  createWorkspaceId: () => string;
  /** a program used its token, for the first time in an hour */
  onTokenUsed?: (principal: AccountPrincipal) => void;
}

export const CACHE_MS = 2_000;
/** Who is active is looked at again this long after the last look, while what is known still answers. */
const LOOK_AGAIN_MS = 1_000;
const CACHE_SIZE = 5_000;
const TOKEN_NOTE_MS = 3_600_000;
const SESSION_COOKIE = /(?:^|;\s*)((?:__Host-|__Secure-)?holdfast\.session_token=[^;]+)/;

/** The one way from a request to who makes it. */
export function createPrincipalResolver(parts: ResolverParts): PrincipalResolver {
  const { auth, database, bus, now, createWorkspaceId } = parts;
  const known = new Map<string, { principal: AccountPrincipal; at: number; looking: boolean }>();
  /** the tokens of cookies whose signature was checked, which costs milliseconds; whether they still count is asked each time */
  const tokens = new Map<string, string>();
  let changes = 0;
  // Rights change rarely, and what is known is known again after one read.
  bus.subscribe(() => {
    changes += 1;
    known.clear();
  });

  async function sessionToken(cookie: string): Promise<string | undefined> {
    const token = tokens.get(cookie) ?? (await auth.tokenOf(new Headers({ cookie })));
    if (token !== undefined) rememberLast(tokens, cookie, token, CACHE_SIZE);
    return token;
  }

  async function ofCookie(cookie: string, workspace: string | null): Promise<Resolved> {
    const token = await sessionToken(cookie);
    const session = token === undefined ? undefined : await readSession(database, token, now());
    if (session === undefined) {
      tokens.delete(cookie);
      return err("unauthenticated");
    }
    const { kind, accountId, sessionId } = session;
    const workspaceId = workspace ?? (await personalWorkspace(database, accountId, now(), createWorkspaceId));
    const member = await readMembership(database, accountId, workspaceId);
    if (member === undefined) return err("not_found");
    return ok({ kind, accountId, ...member, credential: { type: "session", sessionId } });
  }

  async function ofBearer(bearer: string, workspace: string | null): Promise<Resolved> {
    const shown = await readAccessToken(database, bearer, now());
    if (shown === undefined) return err("unauthenticated");
    const { accountId, tokenId, scopes, lastUsedAt = 0 } = shown;
    const member = await readMembership(database, accountId, shown.workspaceId);
    // Whoever left a workspace left their tokens for it.
    if (member === undefined) return err("unauthenticated");
    if (workspace !== null && workspace !== member.workspaceId) return err("not_found");
    const credential = { type: "token", tokenId, scopes } as const;
    const principal: AccountPrincipal = { kind: "account", accountId, ...member, credential };
    const used = { now: now(), since: now() - TOKEN_NOTE_MS };
    // A program often begins with several requests at once: one of them is the first.
    if (lastUsedAt <= used.since && (await noteTokenUse(database, tokenId, used))) parts.onTokenUsed?.(principal);
    return ok(principal);
  }

  async function look(name: string, ask: () => Promise<Resolved>): Promise<Resolved> {
    const before = changes;
    const resolved = await ask();
    // Rights that changed meanwhile may be these: what was read before must not be kept.
    if (resolved.ok && changes === before) {
      rememberLast(known, name, { principal: resolved.value, at: now(), looking: false }, CACHE_SIZE);
    } else known.delete(name);
    return resolved;
  }

  async function find(name: string, ask: () => Promise<Resolved>): Promise<Resolved> {
    const found = known.get(name);
    const age = found ? now() - found.at : Number.POSITIVE_INFINITY;
    // A clock that was set back makes nothing last longer.
    if (found === undefined || age >= CACHE_MS || age < 0) return look(name, ask);
    if (age >= LOOK_AGAIN_MS && !found.looking) {
      found.looking = true;
      // Where the store does not answer, whoever comes after `CACHE_MS` asks it again, and is told.
      look(name, ask).catch(() => (found.looking = false));
    }
    return ok(found.principal);
  }

  return {
    async resolve(headers) {
      const workspace = headers.get(WORKSPACE_HEADER);
      const bearer = bearerOf(headers);
      const cookie = SESSION_COOKIE.exec(headers.get("cookie") ?? "")?.[1];
      const shown = bearer ?? cookie;
      if (shown === undefined) return err("unauthenticated");
      const resolved = await find(`${shown}\n${workspace ?? ""}`, () =>
        bearer === undefined ? ofCookie(shown, workspace) : ofBearer(bearer, workspace),
      );
      const meant = headers.get(ACCOUNT_HEADER);
      const isMeant = meant === null || !resolved.ok || meant === resolved.value.accountId;
      return isMeant ? resolved : err("unauthenticated");
    },
  };
}
