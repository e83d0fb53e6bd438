import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as Y from "yjs";
import type { RelayPrincipal } from "#server/access/principal.ts";
import type { AppEnv } from "#server/http/app-env.ts";
import { conversationRoutes } from "#server/http/conversations.ts";
import { feedRoutes } from "#server/http/feed.ts";
import { openErasure } from "#server/jobs/erasure.ts";
import type { Erasure } from "#server/jobs/erasure.ts";
import { openRooms } from "#server/rooms/open-rooms.ts";
import { DocumentGone } from "#server/rooms/rooms.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import { createRunRow } from "#server/runs/run-rows.ts";
import { insertRun, updateRun } from "#server/runs/run-store.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { AccountId, ConversationId, MessageId, RunId, WorkspaceId } from "#shared/domain/ids.ts";
import { TRASH_DAYS } from "#shared/domain/trash.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import { feedSchema } from "#shared/protocol/feed-bodies.ts";
import type { FeedEntry } from "#shared/protocol/feed-bodies.ts";
import { encodeFrame } from "#shared/protocol/sync-frames.ts";
import { allTables } from "#tests/support/all-tables.ts";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import type { FakeClock } from "#tests/support/fake-clock.ts";
import { heldDatabase } from "./sync-socket-server.ts";
import { principalOf } from "#tests/support/principals.ts";

const DAY = 86_400_000;
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };
const CANARY = "canary-of-the-deleted-chat";
const accountOf = (name: string) => ({ accountId: name as AccountId, workspaceId: `${name}-home` as WorkspaceId });
const ann = principalOf("ann", "ann-home", "guest");
const ben = principalOf("ben", "ben-home", "guest");
const relay: RelayPrincipal = { kind: "relay", ...accountOf("ann") };
const newId = (): string => createUuidV7(Date.now(), (length) => crypto.getRandomValues(new Uint8Array(length)));

let folder: string;
let file: string;
let database: Database;
let clock: FakeClock;
/** how far the wall clock is ahead of the one that timers go by */
let ahead: number;
let wall: Pick<FakeClock, "now" | "after"> & { steady(): number };
let rooms: Rooms;
let erasure: Erasure;
let app: Hono<AppEnv>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-erasure-"));
  file = join(folder, "holdfast.sqlite");
  database = await openDatabase({ file });
  clock = createFakeClock();
  ahead = 0;
  wall = { now: () => clock.now() + ahead, steady: () => clock.now(), after: clock.after };
  rooms = openRooms({ database, clock: wall, random: Math.random, log: SILENT, foldRows: 2 });
  erasure = openErasure({ database, rooms, clock: wall, log: SILENT });
  app = new Hono<AppEnv>()
    .use(async (c, next) => {
      c.set("principal", c.req.header("x-account") === "ben" ? ben : ann);
      await next();
    })
    .route("/api/conversations", conversationRoutes(erasure))
    .route("/api/sync/feed", feedRoutes(database));
});
afterEach(async () => {
  await erasure.close();
  await rooms.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

/** Writes a new conversation as one of ann's devices does. */
async function write(edit: (conversation: ConversationDocument) => void): Promise<ConversationId> {
  const id = newId() as ConversationId;
  const doc = new Y.Doc();
  edit(openConversation(doc, "test"));
  const session = aSession(id);
  session.send(Y.encodeStateAsUpdate(doc));
  await expect.poll(() => rooms.read(ann, id, () => true)).toBe(true);
  session.leave();
  return id;
}

/** A device of ann's, or of whoever comes. */
function aSession(id: ConversationId, principal = ann, epoch = 0) {
  const closes: number[] = [];
  const transport = { send: () => undefined, close: (code: number) => void closes.push(code), bufferedBytes: () => 0 };
  const session = rooms.join(principal, { kind: "conversation", id, epoch }, transport, true);
  return {
    closes,
    send: (update: Uint8Array) => session.receive(encodeFrame({ type: "update", update })),
    leave: () => session.left(),
  };
}

/** Days go by, without anything that happens by the second. */
const pass = (days: number): void => void (ahead += days * DAY);

const edit = (id: ConversationId, change: (conversation: ConversationDocument) => void): Promise<void> =>
  rooms.edit(relay, id, change);
const rowOf = (id: string) =>
  allTables(database).selectFrom("document").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
const count = async (table: "doc_update" | "doc_checkpoint" | "doc_client" | "run_frame" | "usage" | "run") =>
  Number(
    (await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(database.executor)).rows[0]?.n,
  );

/** Lets the room tell the library what it has not told yet. */
async function projected(id: ConversationId): Promise<void> {
  for (let tick = 0; tick < 20; tick++) {
    const { summary_seq: shown, head_seq: head } = await rowOf(id);
    if (shown === head) return;
    clock.advance(500);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("the summary stays behind");
}

async function deleted(id: ConversationId): Promise<void> {
  await edit(id, (conversation) => conversation.setDeleted(true));
  await projected(id);
}

async function feed(account = "ann"): Promise<FeedEntry[]> {
  const response = await app.request("/api/sync/feed", { headers: { "x-account": account } });
  return feedSchema.parse(await response.json()).entries;
}

async function remove(id: string, account = "ann"): Promise<string> {
  const response = await app.request(`/api/conversations/${id}`, {
    method: "DELETE",
    headers: { "x-account": account },
  });
  return response.status === 204 ? "204" : `${response.status} ${((await response.json()) as { code: string }).code}`;
}

const aCanary = (): Promise<ConversationId> =>
  write((conversation) => {
    conversation.rename(`title ${CANARY}`);
    conversation.setSystemPrompt(`system ${CANARY}`);
    conversation.setDraft(`draft ${CANARY} `.repeat(400));
    conversation.addPrompt({
      id: newId() as MessageId,
      parentId: undefined,
      text: `prompt ${CANARY} `.repeat(2_000),
      createdAt: 1,
    });
  });

/** A run that is over, or that somebody still writes, with its log and its bill. */
async function aRun(conversationId: ConversationId, state: "completed" | "streaming"): Promise<string> {
  const id = newId();
  const request = {
    conversationId,
    parentMessageId: newId(),
    messageId: newId(),
    model: "p/m",
    parameters: { temperature: 1 },
  };
  const row = createRunRow(ann, id as RunId, request, clock.now(), 30_000);
  await database.commit([
    insertRun(database, { ...row, state, seq: 1, committed: state === "completed" ? 1 : 0, attempt: 1 }),
  ]);
  const data = JSON.stringify({ text: `answer ${CANARY} `.repeat(500) });
  await allTables(database).insertInto("run_frame").values({ run_id: id, seq: 1, kind: "d", data }).execute();
  await allTables(database)
    .insertInto("usage")
    .values({
      run_id: id,
      attempt: 1,
      account_id: ann.accountId,
      workspace_id: ann.workspaceId,
      provider: "p",
      model: "p/m",
      input_tokens: 7,
      output_tokens: 7,
      cached_tokens: null,
      reasoning_tokens: null,
      source: "estimated",
      cost_micro_usd: 12,
      outcome: state,
      created_at: clock.now(),
    })
    .execute();
  return id;
}

/** Whether any file of the database holds the canary. */
const isOnDisk = (): boolean =>
  [file, `${file}-wal`].some((one) => existsSync(one) && readFileSync(one).includes(CANARY));

/** Lets the log be emptied, a second after the erasure. */
async function scrubbed(): Promise<void> {
  clock.advance(1_000);
  await expect.poll(() => existsSync(`${file}-wal`) && readFileSync(`${file}-wal`).byteLength).toBe(0);
}

test("R22: 30 days after its deletion nothing of a conversation is in any table, nor in any file of the database", async () => {
  const id = await aCanary();
  await aRun(id, "completed");
  // Enough rows that the log was folded once: checkpoints hold text too.
  for (let word = 0; word < 4; word++) await edit(id, ({ doc, draft }) => doc.transact(() => draft.insert(0, "x")));
  await expect
    .poll(async () => {
      clock.advance(500);
      return count("doc_checkpoint");
    })
    .toBeGreaterThan(0);
  await deleted(id);
  expect(isOnDisk()).toBe(true);
  expect(await feed()).toMatchObject([{ id, summary: { deleted: true }, deletedAt: (await rowOf(id)).deleted_at }]);

  pass(TRASH_DAYS - 0.001);
  expect(await erasure.look()).toBe(0);
  pass(0.001);
  expect(await erasure.look()).toBe(1);
  expect(await rowOf(id)).toMatchObject({ erased_at: wall.now() });
  await scrubbed();

  expect(isOnDisk()).toBe(false);
  expect([await count("doc_update"), await count("doc_checkpoint"), await count("doc_client")]).toEqual([0, 0, 0]);
  expect([await count("run_frame"), await count("run"), await count("usage")]).toEqual([0, 1, 1]);
  const [entry] = await feed();
  expect(entry).toMatchObject({
    id,
    erased: true,
    summary: { title: "", excerpt: "", deleted: true, messageCount: 0 },
  });
  expect(entry?.deletedAt).toBeUndefined();
}, 30_000);

test("R22: the look comes by itself every hour", async () => {
  const id = await aCanary();
  await deleted(id);
  pass(TRASH_DAYS);
  expect((await rowOf(id)).erased_at).toBeNull();
  clock.advance(3_600_000);
  await expect.poll(async () => (await rowOf(id)).erased_at).not.toBeNull();
  expect(await remove(id)).toBe("204");
});

test("R22, R18: an erased conversation is gone for its owner and for everybody, and no write claims it again", async () => {
  const id = await aCanary();
  await deleted(id);
  const reader = aSession(id);
  const writing = new Y.Doc();
  openConversation(writing, "test").setDraft("late");
  expect(await remove(id)).toBe("204");
  await expect.poll(() => reader.closes).toEqual([CloseCode.gone]);
  for (const [principal, epoch] of [
    [ann, 0],
    [ann, 1],
    [ben, 0],
  ] as const) {
    const session = aSession(id, principal, epoch);
    session.send(Y.encodeStateAsUpdate(writing));
    await expect.poll(() => session.closes).toEqual([CloseCode.gone]);
  }
  for (const principal of [ann, ben]) {
    const admitted = await rooms.admits(principal, { kind: "conversation", id, epoch: 0 });
    expect(admitted).toEqual({ ok: false, failure: "unknown" });
    expect(await rooms.read(principal, id, () => true)).toBeUndefined();
    const update = Y.encodeStateAsUpdate(writing);
    for (const epoch of [0, 1]) {
      expect(await rooms.push(principal, { id, epoch, update })).toEqual({ type: "gone" });
      expect(await rooms.pull(principal, [{ id, epoch, haveSeq: 0, stateVector: undefined }])).toEqual([
        { type: "gone" },
      ]);
    }
  }
  await expect(edit(id, (conversation) => conversation.setDraft("late"))).rejects.toThrow(DocumentGone);
  expect(await count("doc_update")).toBe(0);
  expect(await rowOf(id)).toMatchObject({ owner_id: "ann", summary: expect.not.stringContaining(CANARY) as string });
});

test("R22: what is not in the trash is refused, what is erased already is not, and strangers learn nothing", async () => {
  const id = await aCanary();
  expect(await remove(id)).toBe("409 not_deleted");
  expect(await remove(id, "ben")).toBe("404 not_found");
  await deleted(id);
  expect(await remove(id, "ben")).toBe("404 not_found");
  expect(await remove(newId())).toBe("404 not_found");
  expect(await remove("no-id")).toBe("404 not_found");
  expect(await remove(id)).toBe("204");
  expect(await remove(id)).toBe("204");
  expect(await remove(id, "ben")).toBe("404 not_found");
  expect(await feed("ben")).toEqual([]);
});

test("R22: restoring ends the 30 days, and deleting again begins new ones", async () => {
  const id = await aCanary();
  await deleted(id);
  pass(29);
  await edit(id, (conversation) => conversation.setDeleted(false));
  await projected(id);
  expect((await feed())[0]?.deletedAt).toBeUndefined();
  expect(await rowOf(id)).toMatchObject({ deleted_at: null, deleted_seq: null });
  pass(2);
  expect(await erasure.look()).toBe(0);
  expect(await remove(id)).toBe("409 not_deleted");
  await deleted(id);
  pass(29);
  expect(await erasure.look()).toBe(0);
  expect(await rooms.read(ann, id, ({ draft }) => draft.toJSON())).toContain(CANARY);
});

test("R22: an edit made in a deleted conversation does not move the day on which it is erased", async () => {
  const id = await aCanary();
  await deleted(id);
  const since = (await rowOf(id)).deleted_at;
  pass(1);
  await edit(id, (conversation) => conversation.setDraft("late"));
  await projected(id);
  const { deleted_at: at, deleted_seq: seq, head_seq: head } = await rowOf(id);
  expect(at).toBe(since);
  expect(seq).toBeLessThan(head);
  expect(await feed()).toMatchObject([{ deletedAt: since, deletedSeq: seq, headSeq: head }]);
});

test("R22: one that was restored and has not told the library yet is not erased", async () => {
  const id = await aCanary();
  await deleted(id);
  await edit(id, (conversation) => conversation.setPinned(true));
  await edit(id, (conversation) => conversation.setDeleted(false));
  const { summary_seq: shown, head_seq: head } = await rowOf(id);
  expect(shown).toBeLessThan(head);
  expect(await remove(id)).toBe("409 not_deleted");
  await projected(id);
  expect(await rooms.read(ann, id, ({ draft }) => draft.toJSON())).toContain(CANARY);
});

test("R22: a run that is still being written is taken from its writer, and its log is gone", async () => {
  const id = await aCanary();
  const runId = await aRun(id, "streaming");
  const other = await aRun(newId() as ConversationId, "completed");
  await deleted(id);
  const before = await allTables(database)
    .selectFrom("run")
    .selectAll()
    .where("id", "=", runId)
    .executeTakeFirstOrThrow();
  expect(await remove(id)).toBe("204");
  const append = updateRun(database, { id: runId as RunId, epoch: before.lease_epoch, seq: before.seq }, { seq: 2 });
  await expect(database.commit([append])).rejects.toThrow(CommitError);
  const frames = await allTables(database).selectFrom("run_frame").select("run_id").execute();
  expect(frames).toEqual([{ run_id: other }]);
});

/** Rooms whose commits can be held back, in the place of the others; the erasure itself goes straight to the store. */
async function holdingRooms(foldRows: number) {
  await erasure.close();
  await rooms.close();
  const held = heldDatabase(database);
  rooms = openRooms({ database: held, clock: wall, random: Math.random, log: SILENT, foldRows });
  erasure = openErasure({ database, rooms, clock: wall, log: SILENT });
  return held;
}

test("R22: an edit that was being committed adds nothing to what is erased", async () => {
  const held = await holdingRooms(1_000);
  const id = await aCanary();
  await deleted(id);
  held.hold();
  const asked = held.asked();
  const typing = edit(id, (conversation) => conversation.setDraft(CANARY));
  await asked;
  expect(await erasure.erase(ann, id, "conversation")).toEqual({ ok: true, value: true });
  held.release();
  await expect(typing).rejects.toThrow(CommitError);
  await expect(edit(id, (conversation) => conversation.setDraft(CANARY))).rejects.toThrow(DocumentGone);
  expect(await count("doc_update")).toBe(0);
});

test("R22: a fold that was under way adds nothing to what is erased", async () => {
  const held = await holdingRooms(2);
  const id = await aCanary();
  await deleted(id);
  held.hold();
  const asked = held.asked();
  clock.advance(500);
  await asked;
  expect(await erasure.erase(ann, id, "conversation")).toEqual({ ok: true, value: true });
  held.release();
  await expect.poll(() => rooms.read(ann, id, () => true)).toBeUndefined();
  await rooms.close();
  expect([await count("doc_checkpoint"), await count("doc_update")]).toEqual([0, 0]);
});

test("R22: an erasure that cannot be stored leaves the conversation as it was", async () => {
  const id = await aCanary();
  await deleted(id);
  const failing = openErasure({
    database: { ...database, commit: () => Promise.reject(new CommitError("unavailable")) },
    rooms,
    clock: wall,
    log: SILENT,
  });
  await expect(failing.erase(ann, id, "conversation")).rejects.toThrow(CommitError);
  await failing.close();
  expect(await rooms.read(ann, id, ({ draft }) => draft.toJSON())).toContain(CANARY);
  await edit(id, (conversation) => conversation.setDeleted(false));
});
