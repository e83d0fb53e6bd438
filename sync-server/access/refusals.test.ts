import { expect, test } from "vitest";
import type { AuditEntry } from "#shared/domain/audit.ts";
import { principalOf } from "#tests/support/principals.ts";
import { auditedCaller, createRefusals } from "./refusals.ts";

function aLog() {
  let time = 1_000_000;
  const rows: AuditEntry[] = [];
  const refusals = createRefusals({
    audit: {
      record: (entry) => {
        rows.push(entry);
        return Promise.resolve(true);
      },
    },
    now: () => time,
  });
  return {
    rows,
    pass: (ms: number): void => void (time += ms),
    refuse: (name: string, id: string, reason = "document.read", address = "192.0.2.0/24"): void =>
      refusals.record({
        action: "resource.access",
        outcome: "refused",
        ...auditedCaller(principalOf(name)),
        reason,
        target: { kind: "document", id },
        address,
      }),
  };
}

test("the same refusal is written down once a minute; another caller, reason, document or network is another one", () => {
  const log = aLog();
  for (let n = 0; n < 100; n++) log.refuse("ann", "one");
  expect(log.rows).toHaveLength(1);
  log.refuse("ben", "one");
  log.refuse("ann", "one", "document.write");
  log.refuse("ann", "two");
  log.refuse("ann", "one", "document.read", "198.51.100.0/24");
  expect(log.rows).toHaveLength(5);
  log.pass(59_999);
  log.refuse("ann", "one");
  expect(log.rows).toHaveLength(5);
  log.pass(1);
  log.refuse("ann", "one");
  expect(log.rows).toHaveLength(6);
});

test("of one caller there are at most 30 rows in five minutes, and of others as many as before", () => {
  const log = aLog();
  for (let n = 0; n < 1_000; n++) log.refuse("ann", `id-${n}`);
  expect(log.rows).toHaveLength(30);
  log.refuse("ben", "id-1");
  expect(log.rows).toHaveLength(31);
  log.pass(299_999);
  log.refuse("ann", "later");
  expect(log.rows).toHaveLength(31);
  log.pass(1);
  for (let n = 0; n < 1_000; n++) log.refuse("ann", `again-${n}`);
  expect(log.rows).toHaveLength(61);
});

test("nobody is not one caller: what is refused to strangers is written down for each", () => {
  const rows: AuditEntry[] = [];
  const refusals = createRefusals({ audit: { record: async (entry) => rows.push(entry) > 0 }, now: () => 0 });
  for (let n = 0; n < 100; n++)
    refusals.record({
      action: "account.sign-in",
      outcome: "refused",
      actor: { kind: "nobody" },
      address: `192.0.${n}.0/24`,
    });
  expect(rows).toHaveLength(100);
});
