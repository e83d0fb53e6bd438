import type { AccountId } from "#shared/domain/ids.ts";
import type { Sessions } from "#shared/protocol/account-bodies.ts";
import { openAccountTenant } from "#server/access/account-tenant.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { PolicyBus } from "#server/bus/policy-bus.ts";
import type { Database } from "#server/storage/database.ts";

/** How long after a sign-in somebody may change how one signs in: a session that is found open is not enough (ASVS 7.5.1). */
export const RECENT_MS = 15 * 60_000;
/** Longer ones are cut: what a browser says of itself is shown to its owner only. */
const USER_AGENT_LENGTH = 300;

export type AccountSessions = ReturnType<typeof openAccountSessions>;

/** The sessions of one account: seen and ended by that account alone. */
export function openAccountSessions(database: Database, bus: Pick<PolicyBus, "publish">) {
  const rowsOf = (accountId: AccountId) => openAccountTenant(database, { accountId }).sessions();
  const idsOf = async (accountId: AccountId): Promise<string[]> => (await rowsOf(accountId)).map(({ id }) => id);

  /** Ends sessions that are known to be the account's, also where others ended them meanwhile. What is open under them is closed. */
  async function end(accountId: AccountId, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await openAccountTenant(database, { accountId }).endSessions(ids);
    for (const sessionId of ids) bus.publish({ type: "session-ended", sessionId });
  }

  return {
    idsOf,
    end,
    /** Ends one that the caller names; answers whether it was theirs. Of one that is not, nobody is told. */
    async endOne(accountId: AccountId, id: string): Promise<boolean> {
      if ((await openAccountTenant(database, { accountId }).endSessions([id])) === 0) return false;
      bus.publish({ type: "session-ended", sessionId: id });
      return true;
    },
    /** Whether whoever calls by a session showed who they are a moment ago. @param graceMs for what was begun in time */
    async isRecent({ accountId, credential }: AccountPrincipal, now: number, graceMs = 0): Promise<boolean> {
      if (credential.type !== "session") return false;
      const createdAt = await openAccountTenant(database, { accountId }).sessionBegan(credential.sessionId);
      return createdAt !== undefined && now - Date.parse(createdAt) <= RECENT_MS + graceMs;
    },
    async endAll(accountId: AccountId, except?: string): Promise<void> {
      await end(
        accountId,
        (await idsOf(accountId)).filter((id) => id !== except),
      );
    },
    /** Those that are not over, the last used first. */
    async list(accountId: AccountId, current: string, now: number): Promise<Sessions["sessions"]> {
      return (await rowsOf(accountId))
        .filter(({ expiresAt }) => Date.parse(expiresAt) > now)
        .map(({ id, createdAt, updatedAt, userAgent }) => ({
          id,
          current: id === current,
          createdAt: Date.parse(createdAt),
          usedAt: Date.parse(updatedAt),
          ...(userAgent && { userAgent: userAgent.slice(0, USER_AGENT_LENGTH) }),
        }));
    },
  };
}
