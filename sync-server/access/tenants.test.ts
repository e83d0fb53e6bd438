import { isDeepStrictEqual } from "node:util";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import { allTables } from "#tests/support/all-tables.ts";
import { openSignInApp } from "#tests/support/sign-in-app.ts";
import type { SignInApp } from "#tests/support/sign-in-app.ts";
import { openAccountTenant } from "./account-tenant.ts";
import { openMemberTenant } from "./member-tenant.ts";
import { relayOf } from "./principal.ts";
import { openSnapshotTenant } from "./snapshot-tenant.ts";
import { openTenant } from "./tenant.ts";

// C02: each method of each handle is asked for what is a victim's, by others who have as much of their own; a method
// without a case is an error of types, and fails here.

interface Person {
  name: string;
  accountId: AccountId;
  workspaceId: WorkspaceId;
}

/** How a method is asked for the victim's, and what whoever it is not for is told. */
interface Case<Handle> {
  ask: (handle: Handle, asking: Person) => unknown;
  /** absent where others get what is their own, in which nothing is the victim's */
  told?: unknown;
  /** what the victim is told, where that is no more than others are told of their own */
  victimTold?: unknown;
}
type Cases<Handle> = { [Method in keyof Handle]: Case<Handle> };

let app: SignInApp;
let victim: Person;
let other: Person;
let sessionId: string;
const ids = {
  document: "victim-document",
  snapshot: "victim-snapshot",
  run: "victim-run",
  passkey: "victim-passkey",
  credential: "victim-credential",
  token: "victim-token",
  team: "victim-team",
};
const LATER = Number.MAX_SAFE_INTEGER;

beforeAll(async () => {
  app = await openSignInApp();
  [victim, other] = [await aPerson("victim"), await aPerson("other")];
  const rows = await allTables(app.database).selectFrom("session").selectAll().execute();
  sessionId = rows.find(({ userId }) => userId === victim.accountId)?.id ?? "";
});
afterAll(() => app.close());

/** Somebody with a row in every table that is anybody's. */
async function aPerson(name: string): Promise<Person> {
  const browser = app.browser();
  await browser.signUp(`${name}@example.org`);
  const me = await browser.me();
  const person = { name, accountId: me.accountId as AccountId, workspaceId: me.workspaceId as WorkspaceId };
  const { accountId, workspaceId } = person;
  const tables = allTables(app.database);
  const of = { account_id: accountId, workspace_id: workspaceId };
  const document = {
    id: `${name}-document`,
    kind: "conversation",
    workspace_id: workspaceId,
    owner_id: accountId,
  } as const;
  const counts = {
    epoch: 3,
    head_seq: 1,
    checkpoint_seq: 0,
    summary_seq: 1,
    summary: "{}",
    activity_at: 1,
    created_at: 1,
  };
  await tables
    .insertInto("document")
    .values({ ...document, ...counts })
    .execute();
  await tables
    .insertInto("feed")
    .values({ ...of, document_id: document.id, feed_seq: 1 })
    .execute();
  await tables
    .insertInto("run")
    .values({ ...of, ...aRun(name) })
    .execute();
  await tables
    .insertInto("document")
    .values({ ...document, ...counts, id: `${name}-snapshot`, kind: "snapshot" })
    .execute();
  const owned = { owner_id: accountId, workspace_id: workspaceId, conversation_id: "the-same" };
  await tables
    .insertInto("snapshot")
    .values({ ...owned, id: `${name}-snapshot`, ...aSnapshot(name) })
    .execute();
  await tables
    .insertInto("frozen_message")
    .values({ ...owned, hash: "the-same", body: JSON.stringify({ previous: null, text: name }) })
    .execute();
  const token = {
    ...of,
    id: `${name}-token`,
    name,
    token_hash: `${name}-hash`,
    scopes: "[]",
    created_at: 1,
    expires_at: LATER,
  };
  await tables.insertInto("access_token").values(token).execute();
  const merge = { guest_id: `${name}-guest`, guest_workspace_id: `${name}-home`, started_at: 1 };
  await tables
    .insertInto("guest_merge")
    .values({ ...of, ...merge })
    .execute();
  await tables.updateTable("guest_merge").set({ done_at: 2 }).execute();
  await sql`insert into passkey (id, name, publicKey, userId, credentialID, counter, deviceType, backedUp) values
    (${`${name}-passkey`}, ${name}, 'key', ${accountId}, ${`${name}-credential`}, 0, 'singleDevice', 0)`.execute(
    tables,
  );
  const team = `${name}-team`;
  const made = { id: team, kind: "team", owner_id: accountId, name: `${name}-team`, created_at: 1 } as const;
  await tables.insertInto("workspace").values(made).execute();
  await tables
    .insertInto("member")
    .values({ account_id: accountId, workspace_id: team, role: "owner", joined_at: 1 })
    .execute();
  const invite = {
    id: `${name}-invite`,
    workspace_id: team,
    role: "admin",
    token_hash: `${name}-invite-hash`,
  } as const;
  await tables
    .insertInto("invite")
    .values({ ...invite, email: null, created_by: accountId, created_at: 1, expires_at: LATER })
    .execute();
  const seq = name === "victim" ? 10_001 : 10_002;
  await tables
    .insertInto("audit")
    .values({ seq, at: 1, account_id: accountId, workspace_id: team, entry: `{"reason":"${name}-entry"}`, hash: "" })
    .execute();
  if (name === "victim")
    await sql`insert into account (id, accountId, providerId, userId, createdAt, updatedAt)
      values ('victim-at-provider', 'victim-there', 'provider', ${accountId}, 1, 1)`.execute(tables);
  return person;
}

/** Of a conversation, and of messages, that others have snapshots of as well. */
const aSnapshot = (name: string) => ({
  number: name === "victim" ? 9 : 2,
  fingerprint: name,
  content_id: name,
  manifest: "{}",
  head: "the-same",
  created_at: 1,
  created_by: name,
});

const aRun = (name: string) => ({
  id: `${name}-run`,
  conversation_id: `${name}-document`,
  parent_message_id: "p",
  message_id: "m",
  model: "m",
  fingerprint: "f",
  request: "",
  state: "completed",
  attempt: 1,
  lease_epoch: 1,
  lease_until: 0,
  seq: 0,
  facts: "{}",
  committed: 1,
  created_at: 1,
  ended_at: 1,
});

/** Whether something of the victim's is in it. */
const namesVictim = (told: unknown): boolean =>
  [victim.accountId, victim.workspaceId, sessionId, "victim"].some((one) => JSON.stringify(told ?? null).includes(one));

/** Every row in which something of the victim's is, in order. */
async function victimRows(): Promise<string[]> {
  const { database } = app;
  const tables = await sql<{ name: string }>`select name from sqlite_master where type = 'table'`.execute(
    database.executor,
  );
  const read = tables.rows.map(({ name }) => sql`select * from ${sql.table(name)}`.execute(database.executor));
  const rows = (await Promise.all(read)).flatMap(({ rows: found }) => found);
  return rows
    .filter(namesVictim)
    .map((row) => JSON.stringify(row))
    .toSorted();
}

/**
 * Answers what is wrong. Others are asked first: what the victim gets and removes afterwards shows that it was there for
 * them to get.
 */
async function findLeaks<Handle extends object>(
  open: (person: Person) => Handle,
  cases: Cases<Handle>,
  strangers: readonly Person[],
): Promise<unknown[]> {
  const all = Object.entries(cases) as [string, Case<Handle>][];
  const unasked = Object.keys(open(victim)).filter((method) => !(method in cases));
  const leaks: unknown[] = unasked.map((method) => `${method} has no case`);
  const before = await victimRows();
  for (const [method, { ask, told }] of all)
    for (const stranger of strangers) {
      const answer = await ask(open(stranger), stranger);
      const isRight = told === undefined ? !namesVictim(answer) : isDeepStrictEqual(answer, told);
      if (!isRight) leaks.push({ method, stranger: stranger.name, answer });
    }
  if (!isDeepStrictEqual(await victimRows(), before)) leaks.push("a row of the victim's is not as it was");
  for (const [method, { ask, told, victimTold }] of all) {
    const answer = await ask(open(victim), victim);
    const isUsual = told === undefined ? namesVictim(answer) : !isDeepStrictEqual(answer, told);
    const isRight = victimTold === undefined ? isUsual : isDeepStrictEqual(answer, victimTold);
    if (!isRight) leaks.push({ method, victim: answer });
  }
  return leaks;
}

/** What says `undefined` in a way that a case can compare. */
const orNone = async (answer: Promise<unknown>): Promise<unknown> => (await answer) ?? "none";

const asPrincipal = (person: Person) => openTenant(app.database, relayOf(person));
const asTaker = (person: Person) => openSnapshotTenant(app.database, relayOf(person));
const sizes = async (tenant: ReturnType<typeof asTaker>): Promise<number[]> =>
  (await tenant.sizesAfter("the-same", 0, 100)).map(({ bytes }) => bytes);
const asMember = (person: Person) => openMemberTenant(app.database, person);
const asAccount = (person: Person) => openAccountTenant(app.database, person);

describe("the handle of a principal", () => {
  test("tells nobody else, and the account in no other workspace, of documents, runs and feed", async () => {
    // Places in a feed that are not where the document is: nobody is told of it there.
    for (const place of [
      { account_id: other.accountId, workspace_id: victim.workspaceId },
      { account_id: victim.accountId, workspace_id: other.workspaceId },
    ])
      await allTables(app.database)
        .insertInto("feed")
        .values({ ...place, document_id: ids.document, feed_seq: 7 })
        .execute();
    const owned = () => ({ kind: "document", ownerId: victim.accountId, workspaceId: victim.workspaceId });
    const cases: Cases<ReturnType<typeof asPrincipal>> = {
      // The exceptions: whose it is, for `authorize` to compare, and that it is somebody's.
      documentResource: { ask: (tenant) => tenant.documentResource(ids.document), told: owned(), victimTold: owned() },
      room: {
        ask: (tenant) => tenant.room(ids.document),
        told: "foreign",
        victimTold: { kind: "conversation", epoch: 3, erased: false },
      },
      documents: { ask: (tenant, { name }) => tenant.documents([ids.document, `${name}-none`]), told: [] },
      document: { ask: (tenant) => orNone(tenant.document(ids.document)), told: "none" },
      run: { ask: (tenant) => orNone(tenant.run(ids.run)), told: "none" },
      feedAfter: { ask: (tenant) => tenant.feedAfter(0, 100) },
    };
    expect(
      await findLeaks(asPrincipal, cases, [
        other,
        { ...victim, accountId: other.accountId },
        { ...victim, workspaceId: other.workspaceId },
        { ...victim, workspaceId: ids.team as WorkspaceId },
      ]),
    ).toEqual([]);
  });
});

describe("the handle of snapshots", () => {
  test("tells nobody else, and the account in no other workspace, of snapshots and of what they hold", async () => {
    const everything = { deleted: false };
    const cases: Cases<ReturnType<typeof asTaker>> = {
      snapshot: { ask: (tenant) => orNone(tenant.snapshot(ids.snapshot)), told: "none" },
      summaries: { ask: (tenant) => tenant.summaries(everything, undefined, 100) },
      // By a number that nobody else gave.
      lastNumber: { ask: async (tenant) => (await tenant.lastNumber("the-same")) === 9, told: false },
      hasNumber: { ask: (tenant) => tenant.hasNumber("the-same", 9), told: false },
      chain: { ask: (tenant) => tenant.chain("the-same", "the-same") },
      sizesAfter: { ask: async (tenant) => (await sizes(tenant)).join(), told: "" },
      messagesBetween: { ask: (tenant) => tenant.messagesBetween("the-same", 0, LATER) },
    };
    expect(
      await findLeaks(asTaker, cases, [
        { ...other, accountId: victim.accountId },
        { ...other, workspaceId: victim.workspaceId },
        { ...victim, workspaceId: ids.team as WorkspaceId },
      ]),
    ).toEqual([]);
    const own = await asTaker(other).messagesBetween("the-same", 0, LATER);
    expect([own.length, namesVictim(own)]).toEqual([1, false]);
  });
});

describe("the handle of a member", () => {
  test("tells who does not belong to a team nothing of it", async () => {
    const cases: Cases<ReturnType<typeof asMember>> = {
      workspaceResource: { ask: (member) => orNone(member.workspaceResource(ids.team)), told: "none" },
      workspaces: { ask: (member) => member.workspaces() },
      workspaceName: { ask: (member) => orNone(member.workspaceName(ids.team)), told: "none" },
      members: { ask: (member) => member.members(ids.team), told: [] },
      roleOf: { ask: (member) => orNone(member.roleOf(ids.team, victim.accountId)), told: "none" },
      invites: { ask: (member) => member.invites(ids.team, 0), told: [] },
      auditRows: { ask: (member) => member.auditRows(ids.team, LATER, 10), told: [] },
    };
    // Which workspace they act in gives nobody a right in another one.
    expect(await findLeaks(asMember, cases, [other, { ...other, workspaceId: ids.team as WorkspaceId }])).toEqual([]);
  });
});

describe("the handle of an account", () => {
  test("gives and takes nothing of another account's", async () => {
    const { database } = app;
    const tokensOf = (id: string) => allTables(database).selectFrom("access_token").where("id", "=", id).selectAll();
    const cases: Cases<ReturnType<typeof asAccount>> = {
      sessions: { ask: async (account) => (await account.sessions()).map(({ id }) => id) },
      sessionBegan: { ask: async (account) => (await account.sessionBegan(sessionId)) !== undefined, told: false },
      endSessions: { ask: (account) => account.endSessions([sessionId]), told: 0 },
      profile: { ask: (account) => account.profile() },
      // Names nobody: of two who ask, one has a password.
      hasPassword: {
        ask: async (account, { name }) => (await account.hasPassword()) === (name !== "nobody"),
        told: true,
        victimTold: true,
      },
      hasProvider: { ask: (account) => account.hasProvider("provider"), told: false },
      removeProvider: { ask: (account) => account.removeProvider("provider"), told: false },
      passkeys: { ask: (account) => account.passkeys() },
      passkeyByCredential: { ask: (account) => orNone(account.passkeyByCredential(ids.credential)), told: "none" },
      // The exception: that there is one, whosesoever.
      passkeyIsTaken: { ask: (account) => account.passkeyIsTaken(ids.credential), told: true, victimTold: true },
      hasPasskey: { ask: (account) => account.hasPasskey(ids.passkey), told: false },
      renamePasskey: { ask: (account) => account.renamePasskey(ids.passkey, "victim's new"), told: false },
      removePasskey: { ask: (account) => account.removePasskey(ids.passkey, "provider"), told: false },
      tokens: { ask: (account) => account.tokens(0) },
      addToken: {
        async ask(account, { name, workspaceId }) {
          const id = `${name}-added`;
          const row = {
            id,
            workspace_id: workspaceId,
            name,
            token_hash: id,
            scopes: "[]",
            created_at: 1,
            expires_at: 2,
          };
          await database.commit([account.addToken(row)]);
          return await tokensOf(id).execute();
        },
      },
      removeToken: { ask: (account) => account.removeToken(ids.token), told: false },
      mergedGuests: { ask: (account) => account.mergedGuests(0, 10) },
      auditRows: { ask: (account) => account.auditRows(LATER, 10) },
      keepPasswordOnly: {
        async ask(account) {
          await database.commit(account.keepPasswordOnly());
          return await tokensOf("victim-added").execute();
        },
        victimTold: [],
      },
    };
    expect(
      await findLeaks(asAccount, cases, [other, { ...other, name: "nobody", accountId: "nobody" as AccountId }]),
    ).toEqual([]);
  });
});
