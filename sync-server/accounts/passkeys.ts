import { getAuthenticatorName } from "@better-auth/passkey";
import type { AccountId } from "#shared/domain/ids.ts";
import type { Passkey } from "#shared/protocol/passkey-bodies.ts";
import { openAccountTenant } from "#server/access/account-tenant.ts";
import type { PasskeyRow } from "#server/access/account-tenant.ts";
import type { Database } from "#server/storage/database.ts";

export const MOST_PASSKEYS = 30;

export type Passkeys = ReturnType<typeof openPasskeys>;

/** The passkeys of one account: seen and renamed by it alone. */
export function openPasskeys(database: Database) {
  const of = (accountId: AccountId) => openAccountTenant(database, { accountId });

  return {
    async list(accountId: AccountId): Promise<Passkey[]> {
      return (await of(accountId).passkeys()).map(shown);
    },
    async hasRoom(accountId: AccountId): Promise<boolean> {
      return (await of(accountId).passkeys()).length < MOST_PASSKEYS;
    },
    /** The one an authenticator knows under this id, if it is the account's. */
    async byCredential(accountId: AccountId, credentialId: string): Promise<Passkey | undefined> {
      const row = await of(accountId).passkeyByCredential(credentialId);
      return row && shown(row);
    },
    /** Whether anybody has one of this id. */
    isKnown: (accountId: AccountId, credentialId: string): Promise<boolean> =>
      of(accountId).passkeyIsTaken(credentialId),
    /** Answers whether there is one. */
    rename: (accountId: AccountId, id: string, name: string): Promise<boolean> => of(accountId).renamePasskey(id, name),
  };
}

function shown({ id, name, createdAt, backedUp, aaguid }: PasskeyRow): Passkey {
  const keeper = getAuthenticatorName(aaguid);
  return {
    id,
    name: name ?? "",
    createdAt: Date.parse(createdAt ?? "") || 0,
    synced: backedUp === 1,
    ...(keeper !== undefined && { keeper }),
  };
}
