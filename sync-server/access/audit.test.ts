import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AuditEntry } from "#shared/domain/audit.ts";
import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import { allTables } from "#tests/support/all-tables.ts";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import type { FakeClock } from "#tests/support/fake-clock.ts";
import { headAt, verifyChain } from "./audit-chain.ts";
import type { AuditRow } from "./audit-chain.ts";
import { readAccountAudit, readWorkspaceAudit } from "./audit-rows.ts";
import { openAudit } from "./audit.ts";

const KEY = "a key that is not in the database";

let folder: string;
let database: Database;
const opened: Database[] = [];
let clock: FakeClock;
let logged: { level: "info" | "error"; facts: Record<string, unknown>; message: string }[];

async function open(): Promise<Database> {
  const one = await openDatabase({ file: join(folder, "holdfast.sqlite") });
  opened.push(one);
  return one;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-audit-"));
  logged = [];
  clock = createFakeClock();
  database = await open();
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  rmSync(folder, { recursive: true, force: true });
});

const note = (level: "info" | "error") => (facts: object, message: string) =>
  void logged.push({ level, facts: { ...facts }, message });
const anAudit = (on: Pick<Database, "executor" | "commit"> = database) =>
  openAudit({ database: { ...database, ...on }, key: KEY, clock, log: { info: note("info"), error: note("error") } });
const errors = () => logged.filter(({ level }) => level === "error").map(({ message }) => message);

/** Makes somebody the owner of a team. */
async function own(account_id: AccountId, id: WorkspaceId): Promise<void> {
  const tables = allTables(database);
  await tables.insertInto("workspace").values({ id, kind: "team", owner_id: account_id, created_at: 1 }).execute();
  await tables.insertInto("member").values({ workspace_id: id, account_id, role: "owner", joined_at: 1 }).execute();
}

/** The same store, which commits as it is told. */
const storeThat = (commit: Database["commit"]) => ({ executor: database.executor, commit });

const signIn = (reason: string, more: Partial<AuditEntry> = {}): AuditEntry => ({
  action: "account.sign-in",
  outcome: "refused",
  actor: { kind: "nobody" },
  reason,
  ...more,
});
const numbered = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `r${from + index}`);

const readRows = (): Promise<AuditRow[]> =>
  allTables(database).selectFrom("audit").selectAll().orderBy("seq").execute();
const reasons = async (): Promise<unknown[]> =>
  (await readRows()).map(({ entry }) => (JSON.parse(entry) as AuditEntry).reason);
async function verify() {
  const head = await allTables(database).selectFrom("audit_head").selectAll().executeTakeFirst();
  return verifyChain(KEY, await readRows(), head);
}

test("1,000 entries at once are stored in the order of the calls, in one chain, by few commits", async () => {
  let commits = 0;
  const audit = anAudit(
    storeThat((statements) => {
      commits += 1;
      return database.commit(statements);
    }),
  );
  const durable = await Promise.all(numbered(1000).map((reason) => audit.record(signIn(reason))));
  expect(new Set(durable)).toEqual(new Set([true]));
  expect(await reasons()).toEqual(numbered(1000));
  expect(await verify()).toMatchObject({ status: "whole", rows: 1000 });
  expect(commits).toBeLessThan(10);
  expect(logged).toEqual([]);
});

test("an entry is durable once its promise resolved, with the time of the call, and readable as it was recorded", async () => {
  const audit = anAudit();
  const entry = {
    action: "member.change-role",
    outcome: "ok",
    actor: { kind: "account", id: "a1" },
    accountId: "a2" as AccountId,
    workspaceId: "w1" as WorkspaceId,
    target: { kind: "account", id: "a2" },
    role: "admin",
    address: "192.0.2.0/24",
  } as const satisfies AuditEntry;
  const at = clock.now();
  const recorded = audit.record(entry);
  clock.advance(5000);
  expect(await recorded).toBe(true);
  await own(entry.accountId, entry.workspaceId);
  expect(await readWorkspaceAudit(database, { accountId: entry.accountId }, entry.workspaceId, { limit: 10 })).toEqual({
    entries: [{ ...entry, seq: 1, at }],
  });
  expect((await readRows())[0]?.entry).not.toContain("accountId");
});

test("an account and a workspace see what is theirs only, the newest first, page by page", async () => {
  const audit = anAudit();
  const [ada, bob] = ["ada" as AccountId, "bob" as AccountId];
  const team = "team" as WorkspaceId;
  for (const [index, reason] of numbered(10).entries())
    void audit.record(signIn(reason, index % 2 === 0 ? { accountId: ada } : { accountId: bob, workspaceId: team }));
  await audit.flush();
  const pages: unknown[] = [];
  for (let before: number | undefined = Number.MAX_SAFE_INTEGER; before !== undefined;) {
    const page = await readAccountAudit(database, ada, { before, limit: 2 });
    pages.push(page.entries.map(({ reason }) => reason));
    before = page.before;
  }
  expect(pages).toEqual([["r8", "r6"], ["r4", "r2"], ["r0"]]);
  await own(bob, team);
  expect(await readWorkspaceAudit(database, { accountId: ada }, team, { limit: 5 })).toEqual({ entries: [] });
  const ofTeam = await readWorkspaceAudit(database, { accountId: bob }, team, { limit: 5 });
  expect(ofTeam.entries.map(({ seq }) => seq)).toEqual([10, 8, 6, 4, 2]);
  expect(ofTeam.before).toBeUndefined();
  expect(await readAccountAudit(database, "eve" as AccountId, { limit: 5 })).toEqual({ entries: [] });
});

test("a server that starts again goes on from the head", async () => {
  for (const from of [0, 3, 6]) {
    const audit = anAudit();
    for (const reason of numbered(3, from)) void audit.record(signIn(reason));
    await audit.close();
  }
  expect(await reasons()).toEqual(numbered(9));
  expect(await verify()).toMatchObject({ status: "whole", rows: 9 });
});

test("a store that cannot write for a while loses nothing, keeps the order, and is complained about once", async () => {
  let broken = true;
  const audit = anAudit(
    storeThat((statements) => (broken ? Promise.reject(new CommitError("unavailable")) : database.commit(statements))),
  );
  const first = await Promise.all(numbered(300).map((reason) => audit.record(signIn(reason))));
  expect(new Set(first)).toEqual(new Set([false]));
  for (let tries = 0; tries < 5; tries++) {
    clock.advance(1000);
    await audit.flush();
  }
  const later = audit.record(signIn("r300"));
  broken = false;
  clock.advance(1000);
  expect(await later).toBe(true);
  expect(await reasons()).toEqual(numbered(301));
  expect(await verify()).toMatchObject({ status: "whole", rows: 301 });
  expect(errors()).toEqual(["the audit log could not be written"]);
  expect(logged.at(-1)).toMatchObject({ level: "info", message: "the audit log can be written again" });
  expect(clock.pending()).toBe(0);
});

test("a store whose reads fail loses nothing either", async () => {
  const audit = anAudit();
  await audit.record(signIn("r0"));
  await sql`alter table audit_head rename to elsewhere`.execute(database.executor);
  expect(await audit.record(signIn("r1"))).toBe(false);
  await sql`alter table elsewhere rename to audit_head`.execute(database.executor);
  await audit.flush();
  expect(await verify()).toMatchObject({ status: "whole", rows: 2 });
});

test("what a store had written before it broke down is not written again", async () => {
  let breaksAfter = true;
  const audit = anAudit(
    storeThat(async (statements) => {
      await database.commit(statements);
      if (breaksAfter) throw new CommitError("unavailable");
    }),
  );
  expect(await audit.record(signIn("r0"))).toBe(false);
  void audit.record(signIn("r1"));
  await audit.flush();
  await audit.flush();
  breaksAfter = false;
  void audit.record(signIn("r2"));
  await audit.close();
  expect(await reasons()).toEqual(["r0", "r1", "r2"]);
  expect(await verify()).toMatchObject({ status: "whole", rows: 3 });
});

test("beyond what may wait, entries are lost and their number is logged", async () => {
  let broken = true;
  const audit = anAudit(
    storeThat((statements) => (broken ? Promise.reject(new CommitError("unavailable")) : database.commit(statements))),
  );
  const all = numbered(10_007).map((reason) => audit.record(signIn(reason)));
  expect(new Set(await Promise.all(all))).toEqual(new Set([false]));
  await audit.flush();
  expect(logged.filter(({ facts }) => "entries" in facts)).toMatchObject([{ level: "error", facts: { entries: 7 } }]);
  broken = false;
  await audit.close();
  expect(await verify()).toMatchObject({ status: "whole", rows: 10_000 });
});

test("closing stores what waits, and logs how many could not be stored and what comes later", async () => {
  const audit = anAudit(storeThat(() => Promise.reject(new CommitError("unavailable"))));
  void audit.record(signIn("r0"));
  void audit.record(signIn("r1"));
  await audit.close();
  expect(await audit.record(signIn("r2"))).toBe(false);
  expect(logged.map(({ facts }) => facts)).toMatchObject([{ waiting: 2 }, { entries: 2 }, { outcome: "refused" }]);
  expect(clock.pending()).toBe(0);
});

test("a malformed entry is logged without what was in it, and disturbs no other", async () => {
  const audit = anAudit();
  const before = audit.record(signIn("before"));
  expect(await audit.record(signIn("one\r\ntwo\u001B[31m", { accountId: "ada@example.org" as AccountId }))).toBe(false);
  expect(await audit.record(undefined as unknown as AuditEntry)).toBe(false);
  expect(await before).toBe(true);
  await audit.record(signIn("after"));
  expect(await reasons()).toEqual(["before", "after"]);
  expect(errors()).toEqual(Array(2).fill("a malformed audit entry was not kept"));
  expect(logged[0]?.facts).toEqual({ wrong: "accountId: invalid_format, reason: invalid_format" });
});

/** What the store says of a statement that a trigger refused. */
const because = (message: string) => ({ cause: { message } });

test("rows can be neither changed nor deleted, by the server neither", async () => {
  await anAudit().record(signIn("r0"));
  const kysely = allTables(database);
  await expect(kysely.updateTable("audit").set({ at: 1 }).execute()).rejects.toMatchObject(
    because("audit rows never change"),
  );
  await expect(kysely.deleteFrom("audit").execute()).rejects.toMatchObject(because("audit rows are never deleted"));
  expect(await verify()).toMatchObject({ status: "whole", rows: 1 });
});

test("two writers, on one database and on two of the same file, share one chain and lose nothing", async () => {
  const other = await open();
  const audits = [anAudit(), anAudit(), anAudit(other)];
  const recorded = numbered(600).map((reason, index) => audits[index % 3]!.record(signIn(reason)));
  await Promise.all(recorded);
  await Promise.all(audits.map((audit) => audit.close()));
  const found = await reasons();
  expect(new Set(found)).toEqual(new Set(numbered(600)));
  expect(found).toHaveLength(600);
  for (const mine of [0, 1, 2]) {
    const ofOne = numbered(600).filter((_, index) => index % 3 === mine);
    expect(found.filter((reason) => ofOne.includes(String(reason)))).toEqual(ofOne);
  }
  expect(await verify()).toMatchObject({ status: "whole", rows: 600 });
  expect(errors()).toEqual([]);
});

/** Does what only somebody with the file in their hands can do. */
async function tamper(...statements: string[]): Promise<void> {
  await sql`drop trigger if exists audit_never_changes`.execute(database.executor);
  await sql`drop trigger if exists audit_never_shrinks`.execute(database.executor);
  for (const statement of statements) await sql.raw(statement).execute(database.executor);
}
const headOfFirst = async (count: number) => {
  const row = (await readRows())[count - 1]!;
  const { seq, hash, mac } = headAt(KEY, row);
  return `update audit_head set seq = ${seq}, hash = '${hash}', mac = '${mac}'`;
};

test.each([
  ["rows are cut off while it runs", async () => ["delete from audit where seq > 3"]],
  [
    "rows are cut off and the head is put back while it runs",
    async () => ["delete from audit where seq > 3", await headOfFirst(3)],
  ],
  ["all is deleted while it runs", async () => ["delete from audit", "delete from audit_head"]],
])("going on does not mend it where %s", async (_what, attack) => {
  const audit = anAudit();
  for (const reason of numbered(5)) await audit.record(signIn(reason));
  await tamper(...(await attack()));
  expect(await audit.record(signIn("after"))).toBe(true);
  expect(await audit.record(signIn("after"))).toBe(true);
  expect((await verify()).status).toBe("rows-missing");
});

test.each([
  ["rows are cut off", ["delete from audit where seq > 3"], "rows-missing"],
  ["the head is deleted", ["delete from audit_head"], "rows-missing"],
  ["the head is changed", ["update audit_head set seq = 2"], "rows-missing"],
  ["a row is added", ["insert into audit values (6, 1, null, null, '{}', 'f')"], "row-changed"],
])("a server that starts notices that %s, goes on, and does not mend it", async (_what, attack, status) => {
  const before = anAudit();
  for (const reason of numbered(5)) void before.record(signIn(reason));
  await before.close();
  await tamper(...attack);
  const audit = anAudit();
  expect(await audit.record(signIn("after"))).toBe(true);
  expect(await audit.record(signIn("after"))).toBe(true);
  expect(errors()).toHaveLength(1);
  expect(errors()[0]).toContain("changed from outside");
  expect((await verify()).status).toBe(status);
});
