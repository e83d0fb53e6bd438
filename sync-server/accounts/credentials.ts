import type { AccountId } from "#shared/domain/ids.ts";
import type { Credentials as ShownCredentials } from "#shared/protocol/oidc-bodies.ts";
import { OIDC } from "#server/access/oidc-plugin.ts";
import type { PolicyBus } from "#server/bus/policy-bus.ts";
import type { Database } from "#server/storage/database.ts";

/** `last_credential`: nobody could sign in to the account without it. */
export type Removal = "removed" | "not_found" | "last_credential";

export type Credentials = ReturnType<typeof openCredentials>;

/**
 * By what an account is signed in to: a password, passkeys, an account at a provider.
 * @param hasOidc whether this server has a provider: an account at one it had before lets nobody in
 */
export function openCredentials(database: Database, bus: Pick<PolicyBus, "publish">, hasOidc: boolean) {
  const { kysely } = database;
  const ofAccount = (accountId: AccountId) => kysely.selectFrom("account").where("userId", "=", accountId);
  const passkeys = (accountId: AccountId) => kysely.selectFrom("passkey").where("userId", "=", accountId).select("id");
  const password = (accountId: AccountId) => ofAccount(accountId).where("password", "is not", null).select("id");
  const oidc = (accountId: AccountId) =>
    ofAccount(accountId)
      .where("providerId", "=", hasOidc ? OIDC : "")
      .select("id");

  return {
    async of(accountId: AccountId): Promise<ShownCredentials> {
      const [hasPassword, hasAccount] = await Promise.all(
        [password(accountId), oidc(accountId)].map((query) => query.executeTakeFirst()),
      );
      return { password: hasPassword !== undefined, oidc: hasAccount !== undefined };
    },

    /** One statement each: of two ways that are removed at once, one stays. */
    async removePasskey(accountId: AccountId, id: string): Promise<Removal> {
      const others = passkeys(accountId).where("id", "!=", id);
      const { numDeletedRows } = await kysely
        .deleteFrom("passkey")
        .where("userId", "=", accountId)
        .where("id", "=", id)
        .where(({ or, exists }) => or([exists(password(accountId)), exists(oidc(accountId)), exists(others)]))
        .executeTakeFirst();
      if (numDeletedRows > 0n) return "removed";
      const found = await passkeys(accountId).where("id", "=", id).executeTakeFirst();
      return found ? "last_credential" : "not_found";
    },

    async removeOidc(accountId: AccountId): Promise<Removal> {
      const { numDeletedRows } = await kysely
        .deleteFrom("account")
        .where("userId", "=", accountId)
        .where("providerId", "=", OIDC)
        .where(({ or, exists }) => or([exists(password(accountId)), exists(passkeys(accountId))]))
        .executeTakeFirst();
      if (numDeletedRows > 0n) return "removed";
      return (await oidc(accountId).executeTakeFirst()) ? "last_credential" : "not_found";
    },

    /**
     * Somebody set a password by a link that was mailed. Where nobody had shown before that the address is theirs,
     * whoever made the account may be somebody else: what they could come back by is taken away.
     */
    async claimByMail(accountId: AccountId): Promise<void> {
      const unproven = kysely.selectFrom("user").where("id", "=", accountId).where("emailVerified", "=", 0);
      if ((await unproven.select("id").executeTakeFirst()) === undefined) return;
      const tokens = kysely.selectFrom("access_token").where("account_id", "=", accountId).select("id");
      const revoked = await tokens.execute();
      await database.commit([
        { query: kysely.updateTable("user").set({ emailVerified: 1 }).where("id", "=", accountId).compile() },
        { query: kysely.deleteFrom("passkey").where("userId", "=", accountId).compile() },
        { query: kysely.deleteFrom("account").where("userId", "=", accountId).where("password", "is", null).compile() },
        { query: kysely.deleteFrom("access_token").where("account_id", "=", accountId).compile() },
      ]);
      for (const { id } of revoked) bus.publish({ type: "token-revoked", tokenId: id });
    },
  };
}
