import type { AccountId } from "#shared/domain/ids.ts";
import { openAccountTenant } from "#server/access/account-tenant.ts";
import { openMemberTenant } from "#server/access/member-tenant.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
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
export function openAccountProfiles(database: Database) {
  return {
    async of(accountId: AccountId): Promise<Profile> {
      const row = await openAccountTenant(database, { accountId }).profile();
      // A guest has a made-up address and name.
      if (row === undefined || row.isAnonymous === 1) return { email: undefined, emailVerified: false, name: "" };
      return { email: row.email, emailVerified: row.emailVerified === 1, name: row.name };
    },
    /** What the workspace is called in which somebody acts; "" for a personal one. */
    async workspaceName(principal: AccountPrincipal): Promise<string> {
      return (await openMemberTenant(database, principal).workspaceName(principal.workspaceId)) ?? "";
    },
    /** The guests who became this account lately, by what their data on a device is called. */
    merged: (accountId: AccountId, since: number): Promise<{ accountId: string; workspaceId: string }[]> =>
      openAccountTenant(database, { accountId }).mergedGuests(since, MOST_MERGED),
  };
}
