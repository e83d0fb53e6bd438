import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import SqliteDatabase from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Database } from "#server/storage/database.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import { verifyAudit, wordsOf } from "./audit-verify.ts";
import { openAudit } from "./audit.ts";
import { readOrCreateSecret } from "./secret.ts";

let folder: string;
let database: Database;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-audit-verify-"));
  database = await openDatabase({ file: join(folder, "holdfast.sqlite"), exclusive: true });
  const key = readOrCreateSecret(join(folder, "audit-key"));
  const log = { info: () => undefined, error: () => undefined };
  const audit = openAudit({ database, key, clock: createFakeClock(), log });
  for (let index = 0; index < 5; index++)
    void audit.record({ action: "account.sign-in", outcome: "ok", actor: { kind: "account", id: `a${index}` } });
  await audit.close();
});
afterEach(async () => {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Changes the file as somebody does who has it in their hands. */
function tamper(statement: string): void {
  const sqlite = new SqliteDatabase(join(folder, "holdfast.sqlite"));
  sqlite.exec(`drop trigger audit_never_changes; drop trigger audit_never_shrinks; ${statement}`);
  sqlite.close();
}

const MAIN = fileURLToPath(new URL("../audit-verify-main.ts", import.meta.url));
const runVerify = () => spawnSync(execPath, ["--import", "tsx", MAIN], { env: { DATA_DIR: folder }, encoding: "utf8" });

test("a folder is verified while a server has it open, and after it left", async () => {
  const verdict = verifyAudit(folder);
  expect(wordsOf(verdict)).toMatch(/^5 rows, chain whole, head [0-9a-f]{64}$/);
  await database.close();
  expect(verifyAudit(folder)).toEqual(verdict);
});

test.each([
  ["delete from audit where seq = 4", "Missing rows: 4 to 4."],
  ["delete from audit where seq > 3", "Missing rows: 4 to 5."],
  ["delete from audit", "Missing rows: 1 to 5."],
  ["update audit set at = at + 1 where seq = 2", "Row 2 was changed"],
  ["update audit set entry = cast(entry as blob) where seq = 3", "Row 3 was changed"],
  ["update audit set at = 9e999 where seq = 1", "Row 1 was changed"],
  ["update audit set account_id = '' where seq = 5", "Row 5 was changed"],
  ["update audit set hash = upper(hash) where seq = 5", "Row 5 was changed"],
  ["update audit set seq = 0 where seq = 5", "Row 0 was changed"],
  [
    "insert into audit select 6, at, workspace_id, account_id, entry, hash from audit where seq = 5",
    "Row 6 was changed",
  ],
  ["delete from audit_head", "The head is missing: 5 rows"],
  ["update audit_head set seq = 4", "The head was changed: 5 rows"],
])("found: %s", (statement, words) => {
  tamper(statement);
  expect(wordsOf(verifyAudit(folder))).toContain(words);
});

test("the program says it and ends with 0 where all is whole, else with 1", () => {
  expect(runVerify()).toMatchObject({ status: 0, stderr: "", stdout: expect.stringMatching(/^5 rows, chain whole/) });
  tamper("delete from audit where seq > 3");
  expect(runVerify()).toMatchObject({ status: 1, stdout: "Missing rows: 4 to 5. Rows before them are whole.\n" });
  writeFileSync(join(folder, "audit-key"), "another key");
  expect(runVerify()).toMatchObject({ status: 1, stdout: expect.stringContaining("Row 1 was changed") });
  rmSync(join(folder, "audit-key"));
  expect(runVerify()).toMatchObject({ status: 1, stdout: "", stderr: expect.stringContaining("Cannot verify") });
});
