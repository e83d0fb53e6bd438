import type { Selectable } from "kysely";
import type { AccountId } from "#shared/domain/ids.ts";
import type { CommitStatement, Database } from "#server/storage/database.ts";
import type { AccessTokenTable, PasskeyTable, SessionTable, UserTable } from "#server/storage/schema.ts";
import { systemTables } from "#server/storage/system-tables.ts";
import type { AuditRow } from "./audit-chain.ts";

export type PasskeyRow = Selectable<PasskeyTable>;
export type TokenRow = Selectable<AccessTokenTable>;
type NewToken = Omit<TokenRow, "account_id" | "last_used_at">;

/**
 * The database as one account sees it, in whichever workspace it acts: by what it is signed in to, what it is called and
 * what was noted about it. Every query is bound to the account here, and nowhere else. `passkeyIsTaken` is about
 * everybody, and says no more than its name.
 */
export function openAccountTenant(database: Database, { accountId }: { accountId: AccountId }) {
  const kysely = systemTables<"session" | "user" | "account" | "passkey" | "access_token" | "guest_merge" | "audit">(
    database,
  );
  const passwordQuery = kysely
    .selectFrom("account")
    .where("userId", "=", accountId)
    .where("password", "is not", null)
    .select("id");
  const providerQuery = (provider: string) =>
    kysely.selectFrom("account").where("userId", "=", accountId).where("providerId", "=", provider).select("id");
  const passkeyQuery = kysely.selectFrom("passkey").where("userId", "=", accountId);

  return {
    /** Those that are over too, the last used first. */
    sessions: (): Promise<Omit<SessionTable, "token" | "userId">[]> =>
      kysely
        .selectFrom("session")
        .where("userId", "=", accountId)
        .select(["id", "createdAt", "updatedAt", "expiresAt", "userAgent"])
        .orderBy("updatedAt", "desc")
        .execute(),
    /** When a session began, as it is stored. */
    async sessionBegan(id: string): Promise<string | undefined> {
      const query = kysely.selectFrom("session").where("userId", "=", accountId).where("id", "=", id);
      return (await query.select("createdAt").executeTakeFirst())?.createdAt;
    },
    /** Answers how many of them there were. */
    async endSessions(ids: readonly string[]): Promise<number> {
      const query = kysely.deleteFrom("session").where("userId", "=", accountId).where("id", "in", ids);
      return Number((await query.executeTakeFirst()).numDeletedRows);
    },
    profile: (): Promise<Pick<UserTable, "name" | "email" | "emailVerified" | "isAnonymous"> | undefined> =>
      kysely
        .selectFrom("user")
        .where("id", "=", accountId)
        .select(["name", "email", "emailVerified", "isAnonymous"])
        .executeTakeFirst(),
    hasPassword: async (): Promise<boolean> => (await passwordQuery.executeTakeFirst()) !== undefined,
    hasProvider: async (provider: string): Promise<boolean> =>
      (await providerQuery(provider).executeTakeFirst()) !== undefined,
    /** Removes the account at a provider, where there is another way to sign in; one statement, so that one of two stays. */
    async removeProvider(provider: string): Promise<boolean> {
      const { numDeletedRows } = await kysely
        .deleteFrom("account")
        .where("userId", "=", accountId)
        .where("providerId", "=", provider)
        .where(({ or, exists }) => or([exists(passwordQuery), exists(passkeyQuery.select("id"))]))
        .executeTakeFirst();
      return numDeletedRows > 0n;
    },
    /** The newest first. */
    passkeys: (): Promise<PasskeyRow[]> => passkeyQuery.selectAll().orderBy("createdAt", "desc").execute(),
    /** The one an authenticator knows under this id. */
    passkeyByCredential: (credentialId: string): Promise<PasskeyRow | undefined> =>
      passkeyQuery.where("credentialID", "=", credentialId).selectAll().executeTakeFirst(),
    async passkeyIsTaken(credentialId: string): Promise<boolean> {
      const found = kysely.selectFrom("passkey").where("credentialID", "=", credentialId).select("id");
      return (await found.executeTakeFirst()) !== undefined;
    },
    hasPasskey: async (id: string): Promise<boolean> =>
      (await passkeyQuery.where("id", "=", id).select("id").executeTakeFirst()) !== undefined,
    async renamePasskey(id: string, name: string): Promise<boolean> {
      const query = kysely.updateTable("passkey").set({ name }).where("userId", "=", accountId).where("id", "=", id);
      return (await query.executeTakeFirst()).numUpdatedRows > 0n;
    },
    /** Removes a passkey, where there is another way to sign in; `provider`: at which an account counts as one. */
    async removePasskey(id: string, provider: string): Promise<boolean> {
      const others = passkeyQuery.where("id", "!=", id).select("id");
      const { numDeletedRows } = await kysely
        .deleteFrom("passkey")
        .where("userId", "=", accountId)
        .where("id", "=", id)
        .where(({ or, exists }) => or([exists(passwordQuery), exists(providerQuery(provider)), exists(others)]))
        .executeTakeFirst();
      return numDeletedRows > 0n;
    },
    /** Says that the e-mail is theirs, and takes away all but the password. */
    keepPasswordOnly: (): CommitStatement[] => [
      { query: kysely.updateTable("user").set({ emailVerified: 1 }).where("id", "=", accountId).compile() },
      { query: kysely.deleteFrom("passkey").where("userId", "=", accountId).compile() },
      { query: kysely.deleteFrom("account").where("userId", "=", accountId).where("password", "is", null).compile() },
      { query: kysely.deleteFrom("access_token").where("account_id", "=", accountId).compile() },
    ],
    /** Those that end after `after`, the newest first. */
    tokens: (after: number): Promise<TokenRow[]> =>
      kysely
        .selectFrom("access_token")
        .where("account_id", "=", accountId)
        .where("expires_at", ">", after)
        .selectAll()
        .orderBy("created_at", "desc")
        .execute(),
    addToken: (row: NewToken): CommitStatement => ({
      query: kysely
        .insertInto("access_token")
        .values({ ...row, account_id: accountId })
        .compile(),
      changes: 1,
    }),
    async removeToken(id: string): Promise<boolean> {
      const query = kysely.deleteFrom("access_token").where("account_id", "=", accountId).where("id", "=", id);
      return (await query.executeTakeFirst()).numDeletedRows > 0n;
    },
    /** The guests who became this account after `since`, the last first. */
    mergedGuests: (since: number, limit: number): Promise<{ accountId: string; workspaceId: string }[]> =>
      kysely
        .selectFrom("guest_merge")
        .where("account_id", "=", accountId)
        .where("done_at", ">", since)
        .select(["guest_id as accountId", "guest_workspace_id as workspaceId"])
        .orderBy("done_at", "desc")
        .limit(limit)
        .execute(),
    /** The newest first. */
    auditRows: (before: number, limit: number): Promise<AuditRow[]> =>
      kysely
        .selectFrom("audit")
        .selectAll()
        .where("account_id", "=", accountId)
        .where("seq", "<", before)
        .orderBy("seq", "desc")
        .limit(limit)
        .execute(),
  };
}
