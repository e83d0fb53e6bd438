import { afterAll, beforeAll, expect, test } from "vitest";
import type { AccountId } from "#shared/domain/ids.ts";
import { accountActor } from "#server/access/principal.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import { allTables } from "#tests/support/all-tables.ts";
import { newId } from "#tests/support/attacked-server.ts";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import { createKeptLog } from "#tests/support/kept-log.ts";
import { openSignInApp } from "#tests/support/sign-in-app.ts";
import type { Browser, SignInApp } from "#tests/support/sign-in-app.ts";
import { openGuestMerge } from "./guest-merge.ts";

type Owner = Awaited<ReturnType<Browser["me"]>>;
/** `unanswered`: it is stored, but nobody is told so */
type Failure = "conflict" | "unavailable" | "unanswered";

const DOCUMENTS = 3;

let app: SignInApp;
let account: Owner;
beforeAll(async () => {
  app = await openSignInApp();
  const browser = app.browser();
  await browser.signUp();
  account = await browser.me();
});
afterAll(async () => {
  await app?.close();
});

async function aGuest() {
  const browser = app.browser();
  await browser.becomeGuest();
  return { me: await browser.me() };
}

/** A run of somebody that is not over. */
async function addRun({ accountId, workspaceId }: Owner, conversationId: string, messageId = newId()): Promise<string> {
  const id = newId();
  const [of, now] = [{ account_id: accountId, workspace_id: workspaceId }, 1];
  const rest = { parent_message_id: "", model: "", fingerprint: id, request: "", attempt: 1, facts: "{}" };
  const lease = { lease_epoch: 1, lease_until: 0, seq: 0, committed: 0, created_at: now, ended_at: null };
  const run = { id, ...of, conversation_id: conversationId, message_id: messageId, state: "streaming" };
  await allTables(app.database)
    .insertInto("run")
    .values({ ...run, ...rest, ...lease })
    .execute();
  const counts = { input_tokens: 1, output_tokens: 1, cached_tokens: 0, reasoning_tokens: 0, cost_micro_usd: 1 };
  const bill = { provider: "openai", model: "", source: "provider" as const, outcome: "completed", created_at: now };
  await allTables(app.database)
    .insertInto("usage")
    .values({ run_id: id, attempt: 1, ...of, ...counts, ...bill })
    .execute();
  return id;
}

/** A document of somebody, in their feed, with an update of theirs and a run. */
async function addDocument(owner: Owner, place: number): Promise<string> {
  const kysely = allTables(app.database);
  const id = newId();
  const of = { account_id: owner.accountId, workspace_id: owner.workspaceId };
  const actor = { document_id: id, epoch: 0, actor_id: accountActor(owner.accountId as AccountId) };
  await kysely
    .insertInto("document")
    .values({
      id,
      kind: "conversation",
      owner_id: owner.accountId,
      workspace_id: owner.workspaceId,
      epoch: 0,
      head_seq: 1,
      checkpoint_seq: 0,
      summary_seq: 1,
      summary: "{}",
      activity_at: 1,
      created_at: 1,
    })
    .execute();
  const update = { ...actor, seq: 1, bytes: new Uint8Array([place]), created_at: 1 };
  await kysely.insertInto("doc_update").values(update).execute();
  await kysely
    .insertInto("doc_client")
    .values({ ...actor, client_id: place })
    .execute();
  await kysely
    .insertInto("feed")
    .values({ ...of, document_id: id, feed_seq: place })
    .execute();
  await addRun(owner, id);
  return id;
}

async function aGuestWithDocuments() {
  const guest = await aGuest();
  const documents: string[] = [];
  for (let place = 1; place <= DOCUMENTS; place++) documents.push(await addDocument(guest.me, place));
  // Stopped before it was started: of no conversation.
  await addRun(guest.me, "");
  return { ...guest, documents };
}

/** How often a row of a table says that something is somebody's. */
async function countOf({ accountId }: Owner): Promise<Record<string, number>> {
  const kysely = allTables(app.database);
  const actor = accountActor(accountId as AccountId);
  const found = await Promise.all([
    kysely.selectFrom("document").select("id").where("owner_id", "=", accountId).execute(),
    kysely.selectFrom("feed").select("document_id").where("account_id", "=", accountId).execute(),
    kysely.selectFrom("run").select("id").where("account_id", "=", accountId).execute(),
    kysely.selectFrom("usage").select("run_id").where("account_id", "=", accountId).execute(),
    kysely.selectFrom("doc_update").select("seq").where("actor_id", "=", actor).execute(),
    kysely.selectFrom("doc_client").select("client_id").where("actor_id", "=", actor).execute(),
  ]);
  const names = ["document", "feed", "run", "usage", "doc_update", "doc_client"];
  return Object.fromEntries(names.map((name, at) => [name, found[at]?.length ?? 0]));
}
const countsOf = (documents: number, runs = documents) => ({
  document: documents,
  feed: documents,
  run: runs,
  usage: runs,
  doc_update: documents,
  doc_client: documents,
});
const NOTHING = countsOf(0);

/** Merges over a store that commits in a way of its own. */
function openWith(commit: Database["commit"]) {
  const clock = createFakeClock();
  const nobody = { rehomed: () => undefined };
  const parts = {
    database: { ...app.database, commit },
    bus: { publish: () => undefined },
    rooms: { ...nobody, editSnapshot: async () => undefined },
    runs: nobody,
  };
  return {
    clock,
    merge: openGuestMerge({ ...parts, clock, createWorkspaceId: newId, log: createKeptLog().log }),
  };
}

/** Merges over a store that fails at the commit of that number. */
function openFailing(at: number, failure: Failure) {
  let commits = 0;
  const opened = openWith(async (statements) => {
    commits += 1;
    const fails = commits === at;
    if (!fails || failure === "unanswered") await app.database.commit(statements);
    if (fails) throw new CommitError(failure === "conflict" ? "conflict" : "unavailable");
  });
  return { ...opened, commits: () => commits };
}

const ids = (guest: Owner) => [guest.accountId, account.accountId] as [AccountId, AccountId];
const mergeOf = ({ accountId }: Owner) =>
  allTables(app.database).selectFrom("guest_merge").selectAll().where("guest_id", "=", accountId).executeTakeFirst();

const sessionsOf = async ({ accountId }: Owner): Promise<number> =>
  (await allTables(app.database).selectFrom("session").select("id").where("userId", "=", accountId).execute()).length;

test.each(["conflict", "unavailable", "unanswered"] as const)(
  "a commit that is %s, whichever it is: what a guest had is theirs until the merge began, then wholly the account's",
  async (failure) => {
    for (let at = 1, failed = true; failed; at++) {
      const { me: guest } = await aGuestWithDocuments();
      const before = await countOf(account);
      const { merge, clock, commits } = openFailing(at, failure);
      const ended = await merge.merge(...ids(guest)).then(
        () => "done",
        () => "refused",
      );
      failed = commits() >= at;
      const where = `commit ${at}: ${ended}`;
      if ((await mergeOf(guest)) === undefined) {
        // It could not begin: the guest is who they were, and tries again.
        expect(await sessionsOf(guest), where).toBe(1);
        expect(await countOf(guest), where).toEqual(countsOf(DOCUMENTS, DOCUMENTS + 1));
        await merge.merge(...ids(guest));
      } else {
        clock.advance(1_000);
        await expect.poll(async () => (await mergeOf(guest))?.done_at, { message: where }).toBeGreaterThan(0);
      }
      expect(await sessionsOf(guest), where).toBe(0);
      expect(await countOf(guest), where).toEqual(NOTHING);
      const gained = Object.entries(await countOf(account)).map(([name, count]) => [name, count - (before[name] ?? 0)]);
      expect(Object.fromEntries(gained), where).toEqual(countsOf(DOCUMENTS, DOCUMENTS + 1));
      await merge.close();
      if (!failed) expect(at).toBeGreaterThan(DOCUMENTS + 2);
    }
  },
);

test("a guest and an account that write the same message at once, which no app does: the guest's documents come along", async () => {
  const guest = await aGuest();
  const [messageId, theirs] = [newId(), await addDocument(guest.me, 1)];
  const open = await addRun(guest.me, theirs, messageId);
  const stays = await addRun(account, newId(), messageId);
  const { merge } = openFailing(0, "conflict");
  await merge.merge(...ids(guest.me));
  expect(await countOf(guest.me)).toEqual(NOTHING);
  const rows = allTables(app.database).selectFrom("run").select(["id", "account_id", "committed"]);
  const { accountId: account_id } = account;
  expect(await rows.where("id", "in", [open, stays]).orderBy("committed").execute()).toEqual([
    { id: stays, account_id, committed: 0 },
    { id: open, account_id, committed: 1 },
  ]);
  await merge.close();
});

test("a merge that cannot be finished yet refuses its own sign-in only, and is tried again", async () => {
  const [stuck, other] = [await aGuestWithDocuments(), await aGuestWithDocuments()];
  let isStuck = true;
  const { merge, clock } = openWith((statements) =>
    isStuck && statements.some(({ query }) => query.parameters.includes(stuck.documents[0]))
      ? Promise.reject(new CommitError("conflict"))
      : app.database.commit(statements),
  );
  await expect(merge.merge(...ids(stuck.me))).rejects.toThrow(CommitError);
  expect(await countOf(stuck.me)).toMatchObject({ document: 1 });
  await merge.merge(...ids(other.me));
  expect(await countOf(other.me)).toEqual(NOTHING);
  expect(await merge.resume()).toBe(1);
  isStuck = false;
  clock.advance(1_000);
  await expect.poll(async () => (await mergeOf(stuck.me))?.done_at).toBeGreaterThan(0);
  expect(await countOf(stuck.me)).toEqual(NOTHING);
  await merge.close();
});
