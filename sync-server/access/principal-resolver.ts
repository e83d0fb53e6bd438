import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import type { Database } from "#server/storage/database.ts";
import type { Auth, CurrentSession } from "./auth.ts";
import type { AccountPrincipal } from "./principal.ts";

export interface PrincipalResolver {
  /**
   * Who is calling, by the session cookie: the only credential there is. `undefined` without a session that
   * is valid now. A session that ended elsewhere is noticed within `CACHE_MS`.
   */
  resolve(headers: Headers): Promise<AccountPrincipal | undefined>;
  /** Forgets what was known of the session of these cookies, at sign-out. */
  forget(headers: Headers): void;
}

export const CACHE_MS = 10_000;
/** A session in use is looked at again this long after the last look, while what is known still answers. */
const LOOK_AGAIN_MS = 4000;
const CACHE_SIZE = 5_000;
const SESSION_COOKIE = /(?:^|;\s*)((?:__Secure-)?holdfast\.session_token=[^;]+)/;

/**
 * Checking a session costs milliseconds of CPU, so its answer is kept for `CACHE_MS`.
 * @param createWorkspaceId makes the id of a personal workspace
 */
export function createPrincipalResolver(
  auth: Pick<Auth, "session">,
  database: Database,
  now: () => number,
  createWorkspaceId: () => string,
): PrincipalResolver {
  const cache = new Map<string, { principal: AccountPrincipal; at: number; looking: boolean }>();
  let forgotten = 0;

  function remember(cookie: string, principal: AccountPrincipal): void {
    cache.delete(cookie);
    cache.set(cookie, { principal, at: now(), looking: false });
    const [oldest] = cache.keys();
    if (cache.size > CACHE_SIZE && oldest !== undefined) cache.delete(oldest);
  }

  async function look(cookie: string): Promise<AccountPrincipal | undefined> {
    const before = forgotten;
    const session = await auth.session(new Headers({ cookie }));
    if (!session) {
      cache.delete(cookie);
      return undefined;
    }
    const workspaceId = await personalWorkspace(database, session, now(), createWorkspaceId);
    const accountId = session.accountId as AccountId;
    const principal = { kind: session.kind, accountId, workspaceId, sessionId: session.sessionId };
    // A sign-out meanwhile may be of this very session: what was read before it must not be kept.
    if (forgotten === before) remember(cookie, principal);
    return principal;
  }

  return {
    async resolve(headers) {
      const cookie = sessionCookieOf(headers);
      if (cookie === undefined) return undefined;
      const known = cache.get(cookie);
      const age = known ? now() - known.at : Number.POSITIVE_INFINITY;
      if (known === undefined || age >= CACHE_MS) return look(cookie);
      if (age >= LOOK_AGAIN_MS && !known.looking) {
        known.looking = true;
        // Where the store does not answer, whoever comes after `CACHE_MS` asks it again, and is told.
        look(cookie).catch(() => (known.looking = false));
      }
      return known.principal;
    },
    forget(headers) {
      const cookie = sessionCookieOf(headers);
      forgotten += 1;
      if (cookie !== undefined) cache.delete(cookie);
    },
  };
}

const sessionCookieOf = (headers: Headers): string | undefined => SESSION_COOKIE.exec(headers.get("cookie") ?? "")?.[1];

async function personalWorkspace(
  { kysely }: Database,
  session: CurrentSession,
  now: number,
  createId: () => string,
): Promise<WorkspaceId> {
  const find = kysely
    .selectFrom("workspace")
    .select("id")
    .where("owner_id", "=", session.accountId)
    .where("kind", "=", "personal");
  const found = await find.executeTakeFirst();
  if (found) return found.id as WorkspaceId;
  // Two requests may arrive together; the unique index lets one of them win and both read its row.
  await kysely
    .insertInto("workspace")
    .values({ id: createId(), kind: "personal", owner_id: session.accountId, created_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return (await find.executeTakeFirstOrThrow()).id as WorkspaceId;
}
