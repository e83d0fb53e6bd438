import fc from "fast-check";
import { expect, test } from "vitest";
import { AUDIT_ACTIONS } from "#shared/domain/audit.ts";
import type { AuditEntry } from "#shared/domain/audit.ts";
import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import { canonicalJson } from "#shared/lib/canonical-json.ts";
import { parseAuditEntry } from "./audit-entry.ts";

const entry: AuditEntry = {
  action: "member.change-role",
  outcome: "ok",
  actor: { kind: "account", id: "0198f0e2-79b0-7000-8000-000000000000" },
  accountId: "Xb3_k-9" as AccountId,
  workspaceId: "w" as WorkspaceId,
  target: { kind: "account", id: "a2" },
  role: "admin",
  method: "passkey",
  address: "2001:db8:1::/48",
  reason: "last_owner",
};
const parse = (changed: object) => parseAuditEntry({ ...entry, ...changed });

test("an entry of ids and codes is taken as it is, with every action", () => {
  expect(parseAuditEntry(entry)).toEqual({ ok: true, value: entry });
  for (const action of AUDIT_ACTIONS) expect(parse({ action }).ok).toBe(true);
  for (const address of ["192.0.2.0", "192.0.2.0/24", "::1", "::ffff:192.0.2.0", "unknown"])
    expect(parse({ address }).ok).toBe(true);
  expect(parseAuditEntry({ action: "password.reset", outcome: "refused", actor: { kind: "nobody" } }).ok).toBe(true);
});

const WRONG: [string, object][] = [
  ["an unknown field", { email: "ada@example.org" }],
  ["an unknown field inside", { actor: { kind: "account", id: "a", name: "Ada" } }],
  ["an unknown action", { action: "member.promote" }],
  ["an unknown outcome", { outcome: "failed" }],
  ["an unknown method", { method: "sms" }],
  ["an account without an id", { actor: { kind: "account" } }],
  ["nobody with an id", { actor: { kind: "nobody", id: "a" } }],
  ["an e-mail address for an id", { accountId: "ada@example.org" }],
  ["an access token for an id", { actor: { kind: "token", id: `hf_${"a".repeat(43)}` } }],
  ["a sentence for a reason", { reason: "it did not work" }],
  ["a long reason", { reason: "a".repeat(65) }],
  ["a name for an address", { address: "laptop.example.org" }],
  ["no id", { workspaceId: "" }],
  ["null", { accountId: null }],
];
test.each(WRONG)("refused: %s", (_what, changed) => {
  expect(parse(changed).ok).toBe(false);
});

test("what is no entry at all is refused", () => {
  for (const value of [undefined, null, "sign-in", 5, []])
    expect(parseAuditEntry(value as unknown as AuditEntry).ok).toBe(false);
});

test("a failure names fields, never what was in them", () => {
  expect(parse({ accountId: "ada@example.org", "secret\n": 1 })).toEqual({
    ok: false,
    failure: "accountId: invalid_format, : unrecognized_keys",
  });
});

test("no field takes a control character, and what an entry says is one line of printable ASCII", () => {
  const control = fc.constantFrom("\r", "\n", "\u001B[31m", "\u0000", "\u0085", "\u2028", "\u202E", "\uD800");
  const place = fc.constantFrom("accountId", "workspaceId", "address", "reason");
  fc.assert(
    fc.property(control, place, fc.constantFrom("", "a"), fc.constantFrom("", "a"), (sign, field, before, after) => {
      expect(parse({ [field]: before + sign + after }).ok).toBe(false);
      expect(parse({ actor: { kind: "guest", id: before + sign + after } }).ok).toBe(false);
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (id) => {
      const parsed = parse({ target: { kind: "document", id } });
      expect(parsed.ok && canonicalJson(parsed.value)).toMatch(/^[\x20-\x7E]+$/);
    }),
  );
});

test("a target's id may be what a stranger sent: the entry is kept, and what is no id is not", () => {
  for (const id of ["ada@example.org", "a\r\nb", "a".repeat(41), "../..", ""])
    expect(parse({ target: { kind: "document", id } })).toEqual({
      ok: true,
      value: { ...entry, target: { kind: "document", id: "malformed" } },
    });
});
