import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import SqliteDatabase from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PASSWORD, newEmail, postAuth, signUp } from "#tests/support/account.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import type { ServerProcess } from "#tests/support/server-process.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** starting npm takes its time on a busy machine */
const PATIENCE_MS = 120_000;
let server: ServerProcess;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-audit-"));
  server = await openServerProcess({ env: { LIMITS: "off" } });
  const email = newEmail();
  await signUp(server.url, email);
  for (const password of [PASSWORD, "not the password", PASSWORD])
    await postAuth(server.url, "sign-in", { email, password });
  server.signal("SIGTERM");
  await server.exited();
  await server.restart();
}, PATIENCE_MS);
afterAll(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** `npm run audit:verify` over a data folder, without looking whether the build is fresh. */
function verify(dataDir: string): { status: number | null; said: string } {
  const env = { PATH: process.env["PATH"], HOME: process.env["HOME"], DATA_DIR: dataDir };
  const command = ["run", "--silent", "--ignore-scripts", "audit:verify"];
  const { status, stdout, stderr } = spawnSync("npm", command, { cwd: ROOT, env, encoding: "utf8" });
  return { status, said: stdout + stderr };
}

/** A copy of the server's folder, of the moment. */
function aCopy(name: string): { dataDir: string; file: string } {
  const dataDir = join(folder, name);
  const file = join(dataDir, "holdfast.sqlite");
  cpSync(server.dataDir, dataDir, { recursive: true });
  const database = new SqliteDatabase(file);
  database.pragma("wal_checkpoint(TRUNCATE)");
  database.close();
  return { dataDir, file };
}

function change(file: string, statement: string): void {
  const database = new SqliteDatabase(file);
  expect(() => database.exec(statement)).toThrow(/audit/i);
  database.exec(`drop trigger audit_never_changes; drop trigger audit_never_shrinks; ${statement}`);
  database.close();
}

interface Row {
  seq: number;
  hash: string;
}
function rowsOf(file: string): Row[] {
  const database = new SqliteDatabase(file, { readonly: true });
  const rows = database.prepare("select seq, hash from audit order by seq").all() as Row[];
  database.close();
  return rows;
}

test("the log of a running server, and of one that was stopped and started, is whole", { timeout: PATIENCE_MS }, () => {
  const rows = rowsOf(join(server.dataDir, "holdfast.sqlite"));
  expect(rows.length).toBeGreaterThanOrEqual(4);
  const words = `${rows.length} rows, chain whole, head ${rows.at(-1)?.hash}\n`;
  expect(verify(server.dataDir)).toEqual({ status: 0, said: words });
  expect(verify(aCopy("whole").dataDir)).toEqual({ status: 0, said: words });
});

test(
  "a flipped byte, a row that is gone and a tail that is cut off are found, by the first place that is wrong",
  { timeout: PATIENCE_MS },
  () => {
    const flipped = aCopy("flipped");
    const [, second] = rowsOf(flipped.file);
    const bytes = readFileSync(flipped.file);
    // What stands before the hash of a row is the end of its entry.
    const at = bytes.indexOf(second?.hash ?? "") - 2;
    expect(at).toBeGreaterThan(0);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(flipped.file, bytes);
    expect(verify(flipped.dataDir)).toEqual({
      status: 1,
      said: "Row 2 was changed, or is not the server's: the chain breaks there. Rows before it are whole.\n",
    });

    const shrunk = aCopy("shrunk");
    change(shrunk.file, "delete from audit where seq = 3");
    expect(verify(shrunk.dataDir)).toEqual({ status: 1, said: "Missing rows: 3 to 3. Rows before them are whole.\n" });

    const cut = aCopy("cut");
    const last = rowsOf(cut.file).length;
    change(cut.file, `delete from audit where seq > ${last - 2}`);
    const missing = `Missing rows: ${last - 1} to ${last}. Rows before them are whole.\n`;
    expect(verify(cut.dataDir)).toEqual({ status: 1, said: missing });

    expect(verify(join(folder, "nothing here"))).toMatchObject({
      status: 1,
      said: expect.stringContaining("Cannot verify"),
    });
  },
);
