import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CommitError } from "#server/storage/database.ts";
import type { CommitStatement, Database } from "#server/storage/database.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import { allTables } from "#tests/support/all-tables.ts";
import { lockFile } from "#tests/faults/file-lock.ts";

let folder: string;
let file: string;
const opened: Database[] = [];

async function open(options: { gatherMs?: number; exclusive?: boolean } = {}): Promise<Database> {
  const database = await openDatabase({ file, ...options });
  opened.push(database);
  return database;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-database-"));
  file = join(folder, "nested", "holdfast.sqlite");
});
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close();
  rmSync(folder, { recursive: true, force: true });
});

const addWorkspace = (database: Database, id: string, ownerId = `owner-of-${id}`): CommitStatement => ({
  query: allTables(database)
    .insertInto("workspace")
    .values({ id, kind: "personal", owner_id: ownerId, created_at: 1 })
    .compile(),
});
const addDocument = (database: Database, id: string): CommitStatement => ({
  query: allTables(database)
    .insertInto("document")
    .values({
      id,
      kind: "conversation",
      workspace_id: "w",
      owner_id: "a",
      epoch: 0,
      head_seq: 0,
      checkpoint_seq: 0,
      summary_seq: 0,
      summary: "{}",
      activity_at: 1,
      created_at: 1,
    })
    .compile(),
});
const addUpdate = (database: Database, documentId: string, seq: number, bytes = new Uint8Array([seq])) => ({
  query: allTables(database)
    .insertInto("doc_update")
    .values({ document_id: documentId, epoch: 0, seq, bytes, actor_id: "a", created_at: 1 })
    .compile(),
});
const workspaceIds = async (database: Database): Promise<string[]> =>
  (await allTables(database).selectFrom("workspace").select("id").orderBy("id").execute()).map(({ id }) => id);
const failureOf = async (commit: Promise<void>): Promise<string> => {
  const error: unknown = await commit.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof CommitError ? error.failure : `not a CommitError: ${String(error)}`;
};

describe("commit", () => {
  test("what was acknowledged is there after the store is opened again", async () => {
    const first = await open();
    await first.commit([addWorkspace(first, "one")]);
    await first.close();
    expect(await workspaceIds(await open())).toEqual(["one"]);
  });

  test("reads see every commit that was resolved, and bytes come back as they went in", async () => {
    const database = await open();
    const pool = new Uint8Array(1000).fill(7);
    await database.commit([addDocument(database, "d"), addUpdate(database, "d", 1, pool.subarray(10, 13))]);
    const row = await allTables(database).selectFrom("doc_update").selectAll().executeTakeFirstOrThrow();
    expect(row).toMatchObject({ gseq: 1, seq: 1 });
    expect(Object.getPrototypeOf(row.bytes)).toBe(Uint8Array.prototype);
    expect([...row.bytes]).toEqual([7, 7, 7]);
  });

  test("an item that conflicts is undone alone, its earlier statements too", async () => {
    const database = await open();
    const outcomes = await Promise.all([
      failureOf(database.commit([addWorkspace(database, "before")])),
      failureOf(database.commit([addWorkspace(database, "half"), addWorkspace(database, "half", "again")])),
      failureOf(
        database.commit([
          addWorkspace(database, "expected"),
          { query: sql`update document set epoch = 1`.compile(allTables(database)), changes: 1 },
        ]),
      ),
      failureOf(database.commit([addWorkspace(database, "after")])),
    ]);
    expect(outcomes.map((outcome) => outcome.replace(/:.*/, ""))).toEqual([
      "not a CommitError",
      "conflict",
      "conflict",
      "not a CommitError",
    ]);
    expect(await workspaceIds(database)).toEqual(["after", "before"]);
  });

  test("statements that can never work are a bug of their item only", async () => {
    const database = await open();
    const broken = database.commit([{ query: sql`insert into no_such_table values (1)`.compile(allTables(database)) }]);
    const whole = database.commit([addWorkspace(database, "neighbour")]);
    await expect(broken).rejects.toThrow("no such table");
    await whole;
    expect(await workspaceIds(database)).toEqual(["neighbour"]);
  });

  test("items commit in the order of the calls", async () => {
    const database = await open();
    await database.commit([addDocument(database, "d")]);
    const resolved: number[] = [];
    await Promise.all(
      Array.from({ length: 300 }, async (_, i) => {
        await database.commit([addUpdate(database, "d", i + 1)]);
        resolved.push(i + 1);
      }),
    );
    const rows = await allTables(database).selectFrom("doc_update").select("seq").orderBy("gseq").execute();
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    expect(resolved).toEqual(rows.map(({ seq }) => seq));
  });

  test("a full disk refuses every item, and the store works again once there is room", async () => {
    const database = await open();
    await database.commit([addDocument(database, "d")]);
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(database.executor);
    await sql`pragma max_page_count = ${sql.lit(rows[0]!.page_count + 1)}`.execute(database.executor);
    const big = database.commit([addUpdate(database, "d", 1, new Uint8Array(100_000))]);
    const small = database.commit([addWorkspace(database, "w")]);
    expect(await Promise.all([failureOf(big), failureOf(small)])).toEqual(["unavailable", "unavailable"]);
    expect(await workspaceIds(database)).toEqual([]);
    expect(await database.writable()).toBe(false);
    expect(await Promise.all([database.writable(), database.writable()])).toEqual([false, false]);
    await sql`pragma max_page_count = 1000000`.execute(database.executor);
    expect(await database.writable()).toBe(true);
    await database.commit([addUpdate(database, "d", 1, new Uint8Array(100_000)), addWorkspace(database, "w")]);
    expect(await workspaceIds(database)).toEqual(["w"]);
  });

  test("a store is writable until a write fails, and again once one succeeded; a conflict is no failure", async () => {
    const database = await open();
    expect(await database.writable()).toBe(true);
    await database.commit([addWorkspace(database, "w")]);
    expect(await failureOf(database.commit([addWorkspace(database, "w")]))).toBe("conflict");
    expect(await database.writable()).toBe(true);
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(database.executor);
    await sql`pragma max_page_count = ${sql.lit(rows[0]!.page_count)}`.execute(database.executor);
    await database.commit([addDocument(database, "d")]);
    expect(await failureOf(database.commit([addUpdate(database, "d", 1, new Uint8Array(100_000))]))).toBe(
      "unavailable",
    );
    expect(await database.writable()).toBe(false);
    await database.commit([addWorkspace(database, "small enough")]);
    expect(await database.writable()).toBe(true);
  });

  test("a closed store refuses, and closing writes what was queued", async () => {
    const database = await open({ gatherMs: 60_000 });
    const queued = database.commit([addWorkspace(database, "queued")]);
    await database.close();
    await queued;
    expect(await failureOf(database.commit([addWorkspace(database, "late")]))).toBe("unavailable");
    await expect(workspaceIds(database)).rejects.toThrow(CommitError);
    expect(await workspaceIds(await open())).toEqual(["queued"]);
  });
});

test("B6: a locked file is waited for once; then writes are refused at once, as busy, until it is free, and reads go on", async () => {
  const database = await open();
  await database.commit([addWorkspace(database, "before")]);
  const lock = await lockFile(file);
  const startedAt = performance.now();
  const refused = Array.from({ length: 8 }, (_, index) =>
    allTables(database)
      .insertInto("workspace")
      .values({ id: `refused${index}`, kind: "team", owner_id: "x", created_at: 1 })
      .execute()
      .catch((error: unknown) => error),
  );
  const first = database.commit([addWorkspace(database, "refused")]).catch((error: unknown) => error);
  const read = workspaceIds(database);
  for (const error of await Promise.all([...refused, first]))
    expect(error).toMatchObject({ failure: "unavailable", busy: true });
  expect(await read).toEqual(["before"]);
  // One whole wait and eight brief ones, where nine whole ones would be 18 s.
  expect(performance.now() - startedAt).toBeLessThan(9000);
  await lock.release();
  await database.commit([addWorkspace(database, "after")]);
  expect(await workspaceIds(database)).toEqual(["after", "before"]);
});

describe("transactions of queries", () => {
  test("commits and other reads wait for an open transaction and never join it", async () => {
    const database = await open();
    let commit: Promise<void> | undefined;
    let read: Promise<string[]> | undefined;
    const changedMind = allTables(database)
      .transaction()
      .execute(async (transaction) => {
        await transaction
          .insertInto("workspace")
          .values({ id: "rolled-back", kind: "team", owner_id: "x", created_at: 1 })
          .execute();
        commit = database.commit([addWorkspace(database, "kept")]);
        read = workspaceIds(database);
        throw new Error("changed my mind");
      });
    await expect(changedMind).rejects.toThrow("changed my mind");
    await commit;
    expect(await read).not.toContain("rolled-back");
    expect(await workspaceIds(database)).toEqual(["kept"]);
  });

  test("two transactions run one after the other", async () => {
    const database = await open();
    const countTwice = () =>
      allTables(database)
        .transaction()
        .execute(async (transaction) => {
          const count = async () => (await transaction.selectFrom("workspace").select("id").execute()).length;
          const before = await count();
          await transaction
            .insertInto("workspace")
            .values({ id: `w${before}`, kind: "team", owner_id: "x", created_at: 1 })
            .execute();
          return (await count()) - before;
        });
    expect(await Promise.all(Array.from({ length: 5 }, countTwice))).toEqual([1, 1, 1, 1, 1]);
    expect(await workspaceIds(database)).toEqual(["w0", "w1", "w2", "w3", "w4"]);
  });
});

describe("crashes", () => {
  test("a storage thread that dies loses nothing acknowledged, and the next request starts another", async () => {
    const threads: Worker[] = [];
    const remember = (thread: Worker) => threads.push(thread);
    process.on("worker", remember);
    const database = await open();
    process.off("worker", remember);
    await database.commit([addWorkspace(database, "acknowledged")]);
    const inFlight = failureOf(database.commit([addWorkspace(database, "in-flight")]));
    await threads[0]!.terminate();
    expect(["unavailable", "not a CommitError: undefined"]).toContain(await inFlight);
    expect(await workspaceIds(database)).toContain("acknowledged");
    await database.commit([addWorkspace(database, "afterwards")]);
    expect(await workspaceIds(database)).toContain("afterwards");
  });

  test("a transaction whose thread died fails instead of going on without its beginning", async () => {
    const threads: Worker[] = [];
    const remember = (thread: Worker) => threads.push(thread);
    process.on("worker", remember);
    const database = await open();
    process.off("worker", remember);
    const insert = { kind: "team" as const, owner_id: "x", created_at: 1 };
    const transaction = allTables(database)
      .transaction()
      .execute(async (begun) => {
        await begun
          .insertInto("workspace")
          .values({ id: "first", ...insert })
          .execute();
        await threads[0]!.terminate();
        await begun
          .insertInto("workspace")
          .values({ id: "second", ...insert })
          .execute();
      });
    await expect(transaction).rejects.toThrow(CommitError);
    expect(await workspaceIds(database)).toEqual([]);
  });

  test("kill -9 loses nothing that was acknowledged", { timeout: 60_000 }, async () => {
    for (let round = 0; round < 4; round++) {
      const acknowledged = await runAndKill(file, `r${round}-`, 40 + round * 30);
      const database = await openDatabase({ file });
      const rows = await workspaceIds(database);
      await database.close();
      expect(acknowledged.filter((id) => !rows.includes(id))).toEqual([]);
    }
  });
});

describe("tables", () => {
  test("a database of a newer version is refused with words and left alone", async () => {
    const database = await open();
    await sql`pragma user_version = 999`.execute(database.executor);
    await database.close();
    await expect(openDatabase({ file })).rejects.toThrow("written by a newer version of Holdfast");
  });

  test("a second server on the same file is refused with words, and may open it once the first is gone", async () => {
    const first = await open({ exclusive: true });
    await expect(openDatabase({ file, exclusive: true })).rejects.toThrow("another Holdfast server is using it");
    await first.close();
    await open({ exclusive: true });
  });

  test("a storage thread that died gives its lock back", async () => {
    const threads: Worker[] = [];
    const remember = (thread: Worker) => threads.push(thread);
    process.on("worker", remember);
    const database = await open({ exclusive: true });
    process.off("worker", remember);
    await threads[0]!.terminate();
    await database.commit([addWorkspace(database, "afterwards")]);
    expect(await workspaceIds(database)).toEqual(["afterwards"]);
  });

  test("a file that is no database is refused with words", async () => {
    await expect(openDatabase({ file: folder })).rejects.toThrow("Cannot open the database");
  });

  test("a number of the update log never comes back, even when the newest rows were folded away", async () => {
    const database = await open();
    await database.commit([addDocument(database, "d"), addUpdate(database, "d", 1), addUpdate(database, "d", 2)]);
    await allTables(database).deleteFrom("doc_update").execute();
    await database.commit([addUpdate(database, "d", 3)]);
    expect(await allTables(database).selectFrom("doc_update").select("gseq").execute()).toEqual([{ gseq: 3 }]);
  });

  test("a sequence number of a document is given once", async () => {
    const database = await open();
    await database.commit([addDocument(database, "d"), addUpdate(database, "d", 1)]);
    expect(await failureOf(database.commit([addUpdate(database, "d", 1)]))).toBe("conflict");
  });

  test("the two newest checkpoints of a document are kept", async () => {
    const database = await open();
    await database.commit([addDocument(database, "d")]);
    for (const through of [10, 20, 30])
      await allTables(database)
        .insertInto("doc_checkpoint")
        .values({
          document_id: "d",
          epoch: 0,
          through_seq: through,
          bytes: new Uint8Array(1),
          sha256: new Uint8Array(32),
          created_at: 1,
        })
        .execute();
    const rows = await allTables(database).selectFrom("doc_checkpoint").select("through_seq").execute();
    expect(rows.map((row) => row.through_seq)).toEqual([20, 30]);
  });

  test("a message has one run at a time whose end is not in its document, and those of other accounts do not count", async () => {
    const database = await open();
    const addRun = (id: string, state: string, committed: 0 | 1 = 0, account = "a"): CommitStatement => ({
      query: allTables(database)
        .insertInto("run")
        .values({
          id,
          account_id: account,
          workspace_id: "w",
          conversation_id: "c",
          parent_message_id: "p",
          message_id: "m",
          model: "guide/guide",
          fingerprint: "f",
          request: "{}",
          state,
          attempt: 1,
          lease_epoch: 1,
          lease_until: 1,
          seq: 0,
          facts: "{}",
          committed,
          created_at: 1,
          ended_at: null,
        })
        .compile(),
    });
    const change = allTables(database).updateTable("run").where("id", "=", "r2");
    await database.commit([addRun("r1", "completed", 1)]);
    await database.commit([addRun("r2", "streaming")]);
    expect(await failureOf(database.commit([addRun("r3", "queued")]))).toBe("conflict");
    await change.set({ state: "stopped" }).execute();
    expect(await failureOf(database.commit([addRun("r3", "queued")]))).toBe("conflict");
    await database.commit([addRun("r4", "queued", 0, "b")]);
    await change.set({ committed: 1 }).execute();
    await database.commit([addRun("r3", "queued")]);
  });
});

/** Starts a process that commits as fast as it can, kills it after so many acknowledgements, and answers those. */
function runAndKill(path: string, prefix: string, after: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL("./database-writer.ts", import.meta.url), [path, prefix], {
      execArgv: ["--import", "tsx"],
    });
    const acknowledged: string[] = [];
    child.on("message", (id) => {
      acknowledged.push(String(id));
      if (acknowledged.length === after) child.kill("SIGKILL");
    });
    child.on("error", reject);
    child.on("exit", (_code, signal) =>
      signal === "SIGKILL" ? resolve(acknowledged) : reject(new Error("The writer ended by itself")),
    );
  });
}
