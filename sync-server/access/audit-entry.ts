import * as z from "zod/mini";
import {
  AUDIT_ACTIONS,
  AUDIT_METHODS,
  AUDIT_OUTCOMES,
  AUDIT_TARGETS,
  KNOWN_ACTORS,
  NAMELESS_ACTORS,
} from "#shared/domain/audit.ts";
import type { AuditEntry } from "#shared/domain/audit.ts";
import { WORKSPACE_ROLES } from "#shared/domain/workspace.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";

// Every text is a code of ours or of one of these shapes: none has room for a line break, an escape sequence, an
// e-mail address or a sentence.

/** Our ids have 36 characters and those of better-auth 32; an access token or a hash is longer. */
const ID = /^[\w-]{1,40}$/;
/** An IPv4 or IPv6 network as `auditAddress` gives it; a zone could name anything and is not taken. */
const NETWORK = /^(?:unknown|[\da-f.:]{2,45}(?:\/\d{1,3})?)$/;
const CODE = /^[a-z][a-z\d._-]{0,63}$/;

const id = z.string().check(z.regex(ID));

const entryShape = {
  action: z.enum(AUDIT_ACTIONS),
  outcome: z.enum(AUDIT_OUTCOMES),
  actor: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.enum(KNOWN_ACTORS), id }),
    z.strictObject({ kind: z.enum(NAMELESS_ACTORS), id: z.optional(z.undefined()) }),
  ]),
  accountId: z.optional(id),
  workspaceId: z.optional(id),
  target: z.optional(z.strictObject({ kind: z.enum(AUDIT_TARGETS), id: z.catch(id, "malformed") })),
  method: z.optional(z.enum(AUDIT_METHODS)),
  role: z.optional(z.enum(WORKSPACE_ROLES)),
  address: z.optional(z.string().check(z.regex(NETWORK))),
  reason: z.optional(z.string().check(z.regex(CODE))),
} satisfies Record<keyof AuditEntry, z.ZodMiniType>;

const entrySchema = z.strictObject(entryShape);

/** Checks an entry before it is written for good. The failure names the fields that are wrong, never what was in them. */
export function parseAuditEntry(entry: AuditEntry): Result<AuditEntry> {
  const parsed = z.safeParse(entrySchema, entry);
  // Ids are branded by whoever made them; the schema sees their shape only.
  if (parsed.success) return ok(parsed.data as AuditEntry);
  return err(parsed.error.issues.map(({ path, code }) => `${path.join(".")}: ${code}`).join(", "));
}
