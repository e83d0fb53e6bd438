import * as z from "zod/mini";
import { AUDIT_OUTCOMES } from "#shared/domain/audit.ts";

/** Query of `GET /api/audit` and of a workspace's. */
export const auditQuerySchema = z.strictObject({
  /** only what is older than this place in the log */
  before: z.optional(z.string().check(z.regex(/^\d{1,15}$/))),
  limit: z.optional(z.string().check(z.regex(/^[1-9]\d{0,2}$/))),
});

/** Answer of both: what was done, by ids and codes. Times are ms since 1970. */
export const auditPageSchema = z.object({
  entries: z.array(
    z.object({
      seq: z.number(),
      at: z.number(),
      action: z.string(),
      outcome: z.enum(AUDIT_OUTCOMES),
      actor: z.object({ kind: z.string(), id: z.optional(z.string()) }),
      accountId: z.optional(z.string()),
      workspaceId: z.optional(z.string()),
      target: z.optional(z.object({ kind: z.string(), id: z.string() })),
      method: z.optional(z.string()),
      role: z.optional(z.string()),
      /** the network it came from */
      address: z.optional(z.string()),
      reason: z.optional(z.string()),
    }),
  ),
  /** hand this to the next request; absent where there is nothing older */
  before: z.optional(z.number()),
});
export type AuditPage = z.infer<typeof auditPageSchema>;
