import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import type { Database } from "#server/storage/database.ts";

export interface Profile {
  /** absent for a guest */
  email: string | undefined;
  emailVerified: boolean;
  /** "" where they gave none */
  name: string;
}

const MOST_MERGED = 20;

export type AccountProfiles = ReturnType<typeof openAccountProfiles>;

/** What accounts are called. */
export function openAccountProfiles({ kysely }: Database) {
  return {
    async of(accountId: AccountId): Promise<Profile> {
      const row = await kysely
        .selectFrom("user")
        .where("id", "=", accountId)
        .select(["name", "email", "emailVerified", "isAnonymous"])
        .executeTakeFirst();
      // A guest has a made-up address and name.
      if (row === undefined || row.isAnonymous === 1) return { email: undefined, emailVerified: false, name: "" };
      return { email: row.email, emailVerified: row.emailVerified === 1, name: row.name };
    },
    /** What a workspace is called, for somebody who belongs to it; "" for a personal one. */
    async workspaceName(id: WorkspaceId): Promise<string> {
      const row = await kysely.selectFrom("workspace").where("id", "=", id).select("name").executeTakeFirst();
      return row?.name ?? "";
    },
    /** The guests who became this account lately, by what their data on a device is called. */
    async merged(accountId: AccountId, since: number): Promise<{ accountId: string; workspaceId: string }[]> {
      return await kysely
        .selectFrom("guest_merge")
        .where("account_id", "=", accountId)
        .where("done_at", ">", since)
        .select(["guest_id as accountId", "guest_workspace_id as workspaceId"])
        .orderBy("done_at", "desc")
        .limit(MOST_MERGED)
        .execute();
    },
  };
}
