import { createHash } from "node:crypto";
import { TOKEN_PREFIX, TOKEN_SCOPES } from "#shared/domain/access-token.ts";
import type { TokenScope } from "#shared/domain/access-token.ts";
import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import type { Database } from "#server/storage/database.ts";
import { systemTables } from "#server/storage/system-tables.ts";

/** What is stored of a secret that is long and random: guessing it back from this takes as long as guessing it. */
export const hashOfSecret = (secret: string): string => createHash("sha256").update(secret).digest("hex");

const BEARER = new RegExp(`^Bearer (${TOKEN_PREFIX}[\\w-]{20,100})$`, "i");

/** The personal access token a program shows; `undefined` where it shows none. */
export const bearerOf = (headers: Headers): string | undefined =>
  BEARER.exec(headers.get("authorization")?.trim() ?? "")?.[1];

export interface ShownToken {
  tokenId: string;
  accountId: AccountId;
  workspaceId: WorkspaceId;
  scopes: readonly TokenScope[];
  lastUsedAt: number | undefined;
}

/** What a token is good for; `undefined` for one that never was, was revoked, or is over. */
export async function readAccessToken(database: Database, token: string, now: number): Promise<ShownToken | undefined> {
  const row = await systemTables<"access_token">(database)
    .selectFrom("access_token")
    .where("token_hash", "=", hashOfSecret(token))
    .where("expires_at", ">", now)
    .selectAll()
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const stored = JSON.parse(row.scopes) as readonly string[];
  return {
    tokenId: row.id,
    accountId: row.account_id as AccountId,
    workspaceId: row.workspace_id as WorkspaceId,
    scopes: TOKEN_SCOPES.filter((scope) => stored.includes(scope)),
    lastUsedAt: row.last_used_at ?? undefined,
  };
}

/** Notes that a token was used, where none of its uses was noted after `since`; answers whether it was noted now. */
export async function noteTokenUse(
  database: Database,
  tokenId: string,
  { now, since }: { now: number; since: number },
): Promise<boolean> {
  const { numUpdatedRows } = await systemTables<"access_token">(database)
    .updateTable("access_token")
    .set({ last_used_at: now })
    .where("id", "=", tokenId)
    .where((where) => where.or([where("last_used_at", "is", null), where("last_used_at", "<=", since)]))
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
