import type { AccountId } from "#shared/domain/ids.ts";
import type { Sessions } from "#shared/protocol/account-bodies.ts";
import type { PolicyBus } from "#server/bus/policy-bus.ts";
import type { Database } from "#server/storage/database.ts";

/** How long after a sign-in somebody may change how one signs in: a session that is found open is not enough (ASVS 7.5.1). */
export const RECENT_MS = 15 * 60_000;
/** Longer ones are cut: what a browser says of itself is shown to its owner only. */
const USER_AGENT_LENGTH = 300;

export type AccountSessions = ReturnType<typeof openAccountSessions>;

/** The sessions of one account: seen and ended by that account alone. */
export function openAccountSessions({ kysely }: Database, bus: Pick<PolicyBus, "publish">) {
  const idsOf = async (accountId: AccountId): Promise<string[]> => {
    const rows = await kysely.selectFrom("session").where("userId", "=", accountId).select("id").execute();
    return rows.map(({ id }) => id);
  };

  /** Answers how many there were. */
  async function remove(accountId: AccountId, ids: readonly string[]): Promise<number> {
    const { numDeletedRows } = await kysely
      .deleteFrom("session")
      .where("userId", "=", accountId)
      .where("id", "in", ids)
      .executeTakeFirst();
    return Number(numDeletedRows);
  }

  /**
   * Ends sessions that are known to be the account's, also where others ended them meanwhile; answers how many there
   * were. What is open under them is closed.
   */
  async function end(accountId: AccountId, ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0;
    const ended = await remove(accountId, ids);
    for (const sessionId of ids) bus.publish({ type: "session-ended", sessionId });
    return ended;
  }

  return {
    idsOf,
    end,
    /** Ends one that the caller names; answers whether it was theirs. Of one that is not, nobody is told. */
    async endOne(accountId: AccountId, id: string): Promise<boolean> {
      if ((await remove(accountId, [id])) === 0) return false;
      bus.publish({ type: "session-ended", sessionId: id });
      return true;
    },
    /** Whether whoever has the session showed who they are a moment ago. @param graceMs for what was begun in time */
    async isRecent(sessionId: string, now: number, graceMs = 0): Promise<boolean> {
      const row = await kysely.selectFrom("session").where("id", "=", sessionId).select("createdAt").executeTakeFirst();
      return row !== undefined && now - Date.parse(row.createdAt) <= RECENT_MS + graceMs;
    },
    async endAll(accountId: AccountId, except?: string): Promise<number> {
      return await end(
        accountId,
        (await idsOf(accountId)).filter((id) => id !== except),
      );
    },
    /** Those that are not over, the last used first. */
    async list(accountId: AccountId, current: string, now: number): Promise<Sessions["sessions"]> {
      const rows = await kysely
        .selectFrom("session")
        .where("userId", "=", accountId)
        .select(["id", "createdAt", "updatedAt", "expiresAt", "userAgent"])
        .orderBy("updatedAt", "desc")
        .execute();
      return rows
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
