import * as z from "zod/mini";
import { TOKEN_DAYS, TOKEN_NAME_LENGTH, TOKEN_SCOPES } from "#shared/domain/access-token.ts";
import { uuidV7 } from "./http-bodies.ts";

// Personal access tokens. Requests are strict, answers are open. Times are ms since 1970.

/** Body of `POST /api/tokens`. The token works in the workspace the request acts in. */
export const createTokenSchema = z.strictObject({
  id: uuidV7,
  name: z.string().check(z.trim(), z.minLength(1), z.maxLength(TOKEN_NAME_LENGTH), z.regex(/^[^\p{Cc}]*$/u)),
  scopes: z.array(z.enum(TOKEN_SCOPES)).check(z.minLength(1), z.maxLength(TOKEN_SCOPES.length)),
  /** how long it lasts */
  days: z.int().check(z.gte(1), z.lte(TOKEN_DAYS)),
});
export type CreateToken = z.infer<typeof createTokenSchema>;

const tokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  workspaceId: z.string(),
  scopes: z.array(z.string()),
  createdAt: z.number(),
  expiresAt: z.number(),
  /** to the hour; absent while it was never used */
  lastUsedAt: z.optional(z.number()),
});

/** Answer of `POST /api/tokens`: the only time the token is shown. */
export const createdTokenSchema = z.extend(tokenSchema, { token: z.string() });
export type CreatedToken = z.infer<typeof createdTokenSchema>;

/** Answer of `GET /api/tokens`: the caller's own, of all workspaces. */
export const tokensSchema = z.object({ tokens: z.array(tokenSchema) });
export type Tokens = z.infer<typeof tokensSchema>;
