import { getAuthenticatorName } from "@better-auth/passkey";
import type { Selectable } from "kysely";
import type { AccountId } from "#shared/domain/ids.ts";
import type { Passkey } from "#shared/protocol/passkey-bodies.ts";
import type { Database } from "#server/storage/database.ts";
import type { PasskeyTable } from "#server/storage/schema.ts";

export const MOST_PASSKEYS = 30;

export type Passkeys = ReturnType<typeof openPasskeys>;

/** The passkeys of one account: seen and renamed by it alone. */
export function openPasskeys({ kysely }: Database) {
  const own = (accountId: AccountId) => kysely.selectFrom("passkey").where("userId", "=", accountId);

  return {
    async list(accountId: AccountId): Promise<Passkey[]> {
      return (await own(accountId).selectAll().orderBy("createdAt", "desc").execute()).map(shown);
    },
    async hasRoom(accountId: AccountId): Promise<boolean> {
      return (await own(accountId).select("id").execute()).length < MOST_PASSKEYS;
    },
    /** The one an authenticator knows under this id, if it is the account's. */
    async byCredential(accountId: AccountId, credentialId: string): Promise<Passkey | undefined> {
      const row = await own(accountId).where("credentialID", "=", credentialId).selectAll().executeTakeFirst();
      return row && shown(row);
    },
    /** Whether anybody has one of this id. */
    async isKnown(credentialId: string): Promise<boolean> {
      const found = kysely.selectFrom("passkey").where("credentialID", "=", credentialId).select("id");
      return (await found.executeTakeFirst()) !== undefined;
    },
    /** Answers whether there is one. */
    async rename(accountId: AccountId, id: string, name: string): Promise<boolean> {
      const { numUpdatedRows } = await kysely
        .updateTable("passkey")
        .set({ name })
        .where("userId", "=", accountId)
        .where("id", "=", id)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },
  };
}

function shown({ id, name, createdAt, backedUp, aaguid }: Selectable<PasskeyTable>): Passkey {
  const keeper = getAuthenticatorName(aaguid);
  return {
    id,
    name: name ?? "",
    createdAt: Date.parse(createdAt ?? "") || 0,
    synced: backedUp === 1,
    ...(keeper !== undefined && { keeper }),
  };
}
