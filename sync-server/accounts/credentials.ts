import type { AccountId } from "#shared/domain/ids.ts";
import type { Credentials as ShownCredentials } from "#shared/protocol/oidc-bodies.ts";
import { openAccountTenant } from "#server/access/account-tenant.ts";
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
  const provider = hasOidc ? OIDC : "";
  const tenantOf = (accountId: AccountId) => openAccountTenant(database, { accountId });

  return {
    async of(accountId: AccountId): Promise<ShownCredentials> {
      const tenant = tenantOf(accountId);
      const [password, oidc] = await Promise.all([tenant.hasPassword(), tenant.hasProvider(provider)]);
      return { password, oidc };
    },

    async removePasskey(accountId: AccountId, id: string): Promise<Removal> {
      const tenant = tenantOf(accountId);
      if (await tenant.removePasskey(id, provider)) return "removed";
      return (await tenant.hasPasskey(id)) ? "last_credential" : "not_found";
    },

    async removeOidc(accountId: AccountId): Promise<Removal> {
      const tenant = tenantOf(accountId);
      if (await tenant.removeProvider(OIDC)) return "removed";
      return (await tenant.hasProvider(provider)) ? "last_credential" : "not_found";
    },

    /**
     * Somebody set a password by a link that was mailed. Where nobody had shown before that the address is theirs,
     * whoever made the account may be somebody else: what they could come back by is taken away.
     */
    async claimByMail(accountId: AccountId): Promise<void> {
      const tenant = tenantOf(accountId);
      if ((await tenant.profile())?.emailVerified !== 0) return;
      const revoked = await tenant.tokens(0);
      await database.commit(tenant.keepPasswordOnly());
      for (const { id } of revoked) bus.publish({ type: "token-revoked", tokenId: id });
    },
  };
}
