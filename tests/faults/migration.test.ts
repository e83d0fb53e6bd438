import { fork, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "#server/storage/open-database.ts";
import { signInGuest } from "#tests/support/guest.ts";
import { createSeededRandom, seedOfThisRun } from "#tests/support/seeded-random.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import { pause } from "./fault-scene.ts";

const KILLS = Number(process.env["MIGRATION_KILLS"] ?? 2);
const random = createSeededRandom(seedOfThisRun());

let folder: string;
let children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-migration-"));
});
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children = [];
  rmSync(folder, { recursive: true, force: true });
});

/** Migrates in a process of its own; kills it after so many statements, or answers how many there were. */
async function migrate(file: string, killAfter = Infinity): Promise<number> {
  const child = fork(fileURLToPath(new URL("./migration-main.ts", import.meta.url)), [file, String(killAfter)], {
    execArgv: ["--import", "tsx"],
  });
  children.push(child);
  const exited = once(child, "exit");
  const [said] = (await Promise.race([once(child, "message"), exited])) as [unknown];
  if (said === "still") child.kill("SIGKILL");
  await exited;
  if (said === "still") return killAfter;
  if (typeof said !== "number") throw new Error(`the migration ended by itself: ${String(said)}`);
  return said;
}

/** Every table, index and trigger of a file, and the version it says it has. */
function tablesOf(file: string): unknown {
  const database = new Database(file, { readonly: true });
  const version = database.pragma("user_version", { simple: true });
  const tables = database.prepare("select type, name, sql from sqlite_master order by type, name").all();
  database.close();
  return { version, tables };
}

test(
  `B8: a migration killed after any of its statements is completed by the next start (${KILLS} of them)`,
  { timeout: 60_000 + KILLS * 20_000 },
  async () => {
    const whole = join(folder, "whole.sqlite");
    const statements = await migrate(whole);
    const wanted = tablesOf(whole);
    // The first, the last, the one between two versions, and others at random.
    const moments = [
      1,
      statements,
      statements - 2,
      ...Array.from({ length: KILLS }, () => 1 + random.below(statements)),
    ];
    for (const [index, moment] of moments.slice(0, KILLS).entries()) {
      const file = join(folder, `killed-${index}.sqlite`);
      expect(await migrate(file, moment)).toBe(moment);
      expect(tablesOf(file), `after ${moment} statements`).not.toEqual(wanted);
      const database = await openDatabase({ file });
      await database.close();
      expect(tablesOf(file), `after ${moment} statements`).toEqual(wanted);
    }
  },
);

test(
  `B8: a first start killed at ${KILLS} random moments leaves nothing that keeps the next one from starting`,
  { timeout: 60_000 + KILLS * 20_000 },
  async () => {
    const main = fileURLToPath(new URL("../../dist/server/main.js", import.meta.url));
    const env = { PATH: process.env["PATH"], DATA_DIR: folder, PORT: "0", LOCAL_ENDPOINTS: "off" };
    for (let kill = 0; kill < KILLS; kill++) {
      const child = spawn(process.execPath, [main], { env, stdio: ["ignore", "pipe", "ignore"] });
      children.push(child);
      const exited = once(child, "exit");
      await Promise.race([once(child.stdout, "data"), pause(random.below(1200))]);
      child.kill("SIGKILL");
      await exited;
    }
    const server = await openServerProcess({ dataDir: folder });
    const guest = await signInGuest(server.url);
    expect((await guest.fetch("/api/me")).status).toBe(200);
    await server.close();
  },
);

test(
  "B8: a server that is older than its tables does not start, says why, and changes nothing",
  { timeout: 60_000 },
  async () => {
    const server = await openServerProcess({ dataDir: folder });
    await signInGuest(server.url);
    server.signal("SIGTERM");
    await server.exited();
    const file = join(folder, "holdfast.sqlite");
    const newer = new Database(file);
    newer.pragma("user_version = 999");
    newer.pragma("wal_checkpoint(TRUNCATE)");
    newer.close();
    const before = readFileSync(file);
    const refused = await openServerProcess({ dataDir: folder }).catch((error: unknown) => String(error));
    expect(refused).toContain("written by a newer version of Holdfast (tables 999");
    expect(readFileSync(file).equals(before)).toBe(true);
  },
);
