import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import SqliteDatabase from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDatabase } from "#server/storage/open-database.ts";
import type { StoreAnswer } from "#server/storage/sqlite-messages.ts";
import { openSqliteStore } from "#server/storage/sqlite-store.ts";
import { createSeededRandom, seedOfThisRun } from "#tests/support/seeded-random.ts";
import { readFound } from "#tests/support/store-scenario.ts";
import type { Found } from "#tests/support/store-scenario.ts";
import { interruptAt } from "./store-failpoints.ts";
import { GROUPS, groupOf, groupsIn } from "./store-groups.ts";

const SEED = seedOfThisRun();
/** All of them in `npm run faults`; a process takes about a second to start. */
const KILLS = Number(process.env["KILL_ROUNDS"] ?? 8) > 8 ? Infinity : 10;
const CUTS = Number(process.env["KILL_ROUNDS"] ?? 8) > 8 ? 2_000 : 200;

let folder: string;
let file: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-crash-"));
  file = join(folder, "holdfast.sqlite");
  const database = await openDatabase({ file });
  await database.close();
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function found(path = file): Found {
  const sqlite = new SqliteDatabase(path);
  try {
    expect(sqlite.pragma("integrity_check", { simple: true })).toBe("ok");
    return readFound((sql) => sqlite.prepare(sql).all() as Record<string, unknown>[]);
  } finally {
    sqlite.close();
  }
}

/** How many statements each group takes, found out on a copy. */
function statementsOfGroups(): number[] {
  const copy = join(folder, "counted.sqlite");
  copyFileSync(file, copy);
  const store = openSqliteStore({ file: copy, exclusive: false });
  const counts = Array.from({ length: GROUPS }, (_, group) => {
    const seam = interruptAt(0, () => undefined);
    const answer = store.answer({ kind: "commit", items: groupOf(group) });
    seam.remove();
    expect(answer).toEqual({ kind: "outcomes", outcomes: groupOf(group).map(() => undefined) });
    return seam.counted();
  });
  store.answer({ kind: "close" });
  return counts;
}

describe("failpoints", () => {
  test.each(["SQLITE_IOERR_WRITE", "SQLITE_FULL"])(
    "O1, B5: %s before any one statement loses that group whole, and the next one is written",
    (code) => {
      const counts = statementsOfGroups();
      const store = openSqliteStore({ file, exclusive: false });
      for (const [group, statements] of counts.entries()) {
        for (let at = 1; at <= statements; at++) {
          const failing = interruptAt(at, () => {
            throw new SqliteDatabase.SqliteError("failpoint", code);
          });
          const answer = store.answer({ kind: "commit", items: groupOf(group) });
          failing.remove();
          const outcomes = answer.kind === "outcomes" ? answer.outcomes.map((outcome) => outcome?.kind) : [];
          expect(outcomes, `group ${group}, statement ${at}`).toEqual(groupOf(group).map(() => "unavailable"));
        }
        expect(found().torn).toEqual([]);
        expect(groupsIn(found().heads)).toBe(group);
        const answer = store.answer({ kind: "commit", items: groupOf(group) });
        expect(answer).toEqual({ kind: "outcomes", outcomes: groupOf(group).map(() => undefined) });
        expect(groupsIn(found().heads)).toBe(group + 1);
      }
      store.answer({ kind: "close" });
    },
  );

  test(
    `O1, B1: killed before a statement, a process leaves every acknowledged group and no part of another (seed ${SEED})`,
    { timeout: 180_000 },
    async () => {
      const random = createSeededRandom(SEED);
      const total = statementsOfGroups().reduce((sum, count) => sum + count, 0);
      expect(total).toBeGreaterThan(GROUPS * 10);
      const every = Array.from({ length: total }, (_, i) => i + 1);
      const points = KILLS < total ? Array.from({ length: KILLS }, () => 1 + random.below(total)) : every;
      const left: number[] = [];
      for (let at = 0; at < points.length; at += 2) {
        left.push(...(await Promise.all(points.slice(at, at + 2).map((point) => killBefore(point)))));
      }
      process.stdout.write(`kills before ${points.length} of ${total} statements: groups left ${left.join()}\n`);
    },
  );
});

/** Kills a process before the statement of that number, and looks at what it left; answers how many groups. */
async function killBefore(point: number): Promise<number> {
  const copy = join(folder, `killed-${point}-${Math.random()}.sqlite`);
  copyFileSync(file, copy);
  const victim = fileURLToPath(new URL("./store-crash-victim.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", victim, copy, String(point)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  const [, signal] = (await once(child, "close")) as [number | null, string | null];
  expect(signal, `statement ${point}`).toBe("SIGKILL");
  const acknowledged = said.split("\n").length - 1;
  const after = found(copy);
  expect(after.torn, `statement ${point}`).toEqual([]);
  const groups = groupsIn(after.heads);
  expect(groups, `statement ${point}: ${JSON.stringify(after.heads)}`).toBeDefined();
  expect(groups).toBeGreaterThanOrEqual(acknowledged);
  return groups ?? -1;
}

const newestIn = (answer: StoreAnswer): number =>
  answer.kind === "rows" ? (answer.result.rows[0] as { last: number }).last : Number.NaN;

test(`O1, O6, B7: a log cut at ${CUTS} places holds whole groups, all that was acknowledged before the cut (seed ${SEED})`, () => {
  const random = createSeededRandom(SEED);
  const store = openSqliteStore({ file, exclusive: false });
  const wal = `${file}-wal`;
  const ends = [statSync(wal, { throwIfNoEntry: false })?.size ?? 0];
  const feeds: number[] = [0];
  for (let group = 0; group < GROUPS; group++) {
    store.answer({ kind: "commit", items: groupOf(group) });
    ends.push(statSync(wal).size);
    feeds.push(
      newestIn(store.answer({ kind: "query", sql: "select max(last) as last from feed_counter", parameters: [] })),
    );
  }
  const copied = join(folder, "copy.sqlite");
  copyFileSync(file, copied);
  copyFileSync(wal, `${copied}-wal`);
  store.answer({ kind: "close" });

  const whole = ends.at(-1) ?? 0;
  const seen = new Set<number>();
  for (let i = 0; i < CUTS; i++) {
    const cut = join(folder, `cut-${i}.sqlite`);
    copyFileSync(copied, cut);
    copyFileSync(`${copied}-wal`, `${cut}-wal`);
    const at = random.below(whole + 1);
    truncateSync(`${cut}-wal`, at);
    const acknowledged = ends.filter((end) => end > 0 && end <= at).length;
    const after = found(cut);
    expect(after.torn, `cut at ${at} of ${whole}`).toEqual([]);
    const groups = groupsIn(after.heads);
    expect(groups, `cut at ${at} of ${whole}: ${JSON.stringify(after.heads)}`).toBeGreaterThanOrEqual(acknowledged);
    // The feed goes on where it was, with numbers nobody had before the cut.
    expect(after.feed.at(-1)?.seq ?? 0, `cut at ${at}`).toBe(feeds[groups ?? 0]);
    seen.add(groups ?? -1);
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${cut}${suffix}`, { force: true });
  }
  // Cuts that all fell behind the last commit would have shown nothing.
  expect(seen.size).toBeGreaterThan(2);
});
