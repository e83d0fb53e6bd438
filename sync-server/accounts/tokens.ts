import { randomBytes } from "node:crypto";
import { TOKEN_PREFIX } from "#shared/domain/access-token.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { CreateToken, CreatedToken, Tokens } from "#shared/protocol/token-bodies.ts";
import { openAccountTenant } from "#server/access/account-tenant.ts";
import type { TokenRow } from "#server/access/account-tenant.ts";
import { hashOfSecret } from "#server/access/access-tokens.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import { CommitError } from "#server/storage/database.ts";
import type { WorkspaceParts } from "./workspaces.ts";

const DAY_MS = 86_400_000;
const MOST_TOKENS = 50;

export type AccessTokens = ReturnType<typeof openAccessTokens>;

/** Personal access tokens of one account, seen, made and revoked by it alone. The route asks the policy. */
export function openAccessTokens({ database, bus, now }: WorkspaceParts) {
  return {
    async list(principal: AccountPrincipal): Promise<Tokens["tokens"]> {
      return (await openAccountTenant(database, principal).tokens(now())).map(shown);
    },

    async create(
      principal: AccountPrincipal,
      { id, name, scopes, days }: CreateToken,
    ): Promise<Result<CreatedToken, "not_found" | "too_many">> {
      const tenant = openAccountTenant(database, principal);
      if ((await tenant.tokens(now())).length >= MOST_TOKENS) return err("too_many");
      const token = TOKEN_PREFIX + randomBytes(32).toString("base64url");
      const row = {
        id,
        workspace_id: principal.workspaceId,
        name,
        token_hash: hashOfSecret(token),
        scopes: JSON.stringify([...new Set(scopes)]),
        created_at: now(),
        expires_at: now() + days * DAY_MS,
      };
      try {
        await database.commit([tenant.addToken(row)]);
      } catch (error) {
        // A token is shown once; a repeated request cannot show it again.
        if (error instanceof CommitError && error.failure === "conflict") return err("not_found");
        throw error;
      }
      return ok({ ...shown({ ...row, last_used_at: null }), token });
    },

    async revoke(principal: AccountPrincipal, id: string): Promise<Result<void, "not_found">> {
      if (!(await openAccountTenant(database, principal).removeToken(id))) return err("not_found");
      bus.publish({ type: "token-revoked", tokenId: id });
      return ok(undefined);
    },
  };
}

const shown = (row: Omit<TokenRow, "account_id">): Tokens["tokens"][number] => ({
  id: row.id,
  name: row.name,
  workspaceId: row.workspace_id,
  scopes: JSON.parse(row.scopes) as string[],
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  ...(row.last_used_at !== null && { lastUsedAt: row.last_used_at }),
});
