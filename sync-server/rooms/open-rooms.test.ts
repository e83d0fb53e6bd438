import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { context, propagation, trace } from "@opentelemetry/api";
import type { Span } from "@opentelemetry/api";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as Y from "yjs";
import type { AccountId, ConversationId, WorkspaceId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { encodeFrame, parseFrame } from "#shared/protocol/sync-frames.ts";
import type { ServerFrame } from "#shared/protocol/sync-frames.ts";
import type { RelayPrincipal } from "#server/access/principal.ts";
import { inSpan } from "#server/observability/spans.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import { allTables } from "#tests/support/all-tables.ts";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import { createAnnouncement } from "#tests/support/waiting.ts";
import { openRooms } from "./open-rooms.ts";
import { RoomsCrowded } from "./rooms.ts";
import type { Rooms } from "./rooms.ts";
import { principalOf } from "#tests/support/principals.ts";

const accountOf = (name: string) => ({ accountId: name as AccountId, workspaceId: `${name}-home` as WorkspaceId });
const ann = principalOf("ann", "ann-home", "guest");
const ben = principalOf("ben", "ben-home", "guest");
const relay: RelayPrincipal = { kind: "relay", ...accountOf("ann") };

let folder: string;
let database: Database;
let failing: boolean;
let clock: ReturnType<typeof createFakeClock>;
let rooms: Rooms;
const logged: string[] = [];
const note = (_: object, message: string): void => void logged.push(message);

const open = (memoryBytes = Infinity): Rooms =>
  openRooms({
    memoryBytes,
    database: {
      executor: database.executor,
      commit: (statements) => (failing ? Promise.reject(new CommitError("unavailable")) : database.commit(statements)),
      queued: () => database.queued(),
      writable: () => database.writable(),
      close: () => database.close(),
    },
    clock,
    random: Math.random,
    log: { info: note, warn: note, error: note },
  });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-rooms-"));
  database = await openDatabase({ file: join(folder, "holdfast.db") });
  failing = false;
  clock = createFakeClock();
  rooms = open();
  logged.splice(0);
});
afterEach(async () => {
  failing = false;
  await rooms.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const newId = (): ConversationId =>
  createUuidV7(clock.now(), (length) => crypto.getRandomValues(new Uint8Array(length))) as ConversationId;

/** A session with a Y.Doc of its own; `write` sends one edit and resolves with its ack. */
function aSession(id: ConversationId, principal = ann) {
  const doc = new Y.Doc();
  const frames: ServerFrame[] = [];
  const closes: number[] = [];
  const { announce, until } = createAnnouncement();
  const transport = {
    send(bytes: Uint8Array) {
      const frame = parseFrame(bytes);
      if (frame.ok) frames.push(frame.value);
      announce();
    },
    close(code: number) {
      closes.push(code);
      announce();
    },
    bufferedBytes: () => 0,
  };
  const session = rooms.join(principal, { kind: "conversation", id, epoch: 0 }, transport, true);
  let sent = 0;
  return {
    frames,
    closes,
    until,
    session,
    async write(edit: (doc: Y.Doc) => void): Promise<void> {
      const before = Y.encodeStateVector(doc);
      edit(doc);
      session.receive(encodeFrame({ type: "update", update: Y.encodeStateAsUpdate(doc, before) }));
      sent += 1;
      await until(() => closes.length > 0 || frames.some((frame) => frame.type === "ack" && frame.frames >= sent));
    },
  };
}
const typed = (text: string) => (doc: Y.Doc) => doc.getText("draft").insert(doc.getText("draft").length, text);
const draftOf = (id: ConversationId, principal = ann) => rooms.read(principal, id, ({ draft }) => draft.toJSON());
const rowOf = (id: ConversationId) =>
  allTables(database).selectFrom("document").selectAll().where("id", "=", id).executeTakeFirst();

describe("the relay", () => {
  test("R6: an edit resolves when it is durable, and another process reads it", async () => {
    const id = newId();
    await aSession(id).write(typed("ask"));
    await rooms.edit(relay, id, (conversation) => conversation.rename("Answered"));
    const second = open();
    expect(await second.read(ann, id, (conversation) => conversation.summary().title)).toBe("Answered");
    await second.close();
    expect(await rowOf(id)).toMatchObject({ head_seq: 2, owner_id: "ann", workspace_id: "ann-home" });
  });

  test("R15: cannot edit what does not exist or belongs to others, and the failure is the same", async () => {
    const id = newId();
    await aSession(id).write(typed("private"));
    const foreign: RelayPrincipal = { kind: "relay", ...accountOf("ben") };
    const failures = await Promise.all(
      [newId(), id].map((one) => rooms.edit(foreign, one, () => undefined).catch((error: Error) => error.message)),
    );
    expect(failures).toEqual(["There is no such document", "There is no such document"]);
  });

  test("R8: an edit that could not be stored rejects, and nothing of it stays", async () => {
    const id = newId();
    const session = aSession(id);
    await session.write(typed("kept"));
    failing = true;
    await expect(rooms.edit(relay, id, ({ rename }) => rename("lost"))).rejects.toMatchObject({
      failure: "unavailable",
    });
    failing = false;
    expect(session.closes).toEqual([4503]);
    expect(await rooms.read(ann, id, (conversation) => conversation.summary().title)).toBe("");
  });

  test("waits for a message of a document nobody wrote yet", async () => {
    const id = newId();
    const { signal } = new AbortController();
    const waiting = rooms.waitFor(relay, id, (conversation) => conversation.message("m1") !== undefined, signal);
    const session = aSession(id);
    await session.write(typed("first something else"));
    const map = new Y.Map<unknown>([["role", "user"]]);
    await session.write((doc) => doc.getMap("messages").set("m1", map));
    expect(await waiting).toBe(true);
  });

  test("stops waiting when asked to", async () => {
    const stop = new AbortController();
    const waiting = rooms.waitFor(relay, newId(), () => true, stop.signal);
    stop.abort();
    expect(await waiting).toBe(false);
  });
});

test("R15: reading and admission tell nobody about documents of others", async () => {
  const id = newId();
  await aSession(id).write(typed("private"));
  expect(await draftOf(id, ben)).toBeUndefined();
  expect(await draftOf(newId(), ben)).toBeUndefined();
  const name = { kind: "conversation", id, epoch: 0 } as const;
  expect(await rooms.admits(ben, name)).toEqual({ ok: false, failure: "unknown" });
  expect(await rooms.admits(ann, name)).toEqual({ ok: true });
  expect(await rooms.admits(ben, { ...name, id: newId() })).toEqual({ ok: true });
  expect(await rooms.admits(ann, { ...name, epoch: 1 })).toEqual({ ok: false, failure: "unknown" });
});

test("R17: a long log is folded, its rows go, and the document reads the same after a restart", async () => {
  const id = newId();
  const session = aSession(id);
  for (let i = 0; i < 210; i++) await session.write(typed(`${i} `));
  const before = await draftOf(id);
  const rowLater = (): ReturnType<typeof rowOf> => {
    clock.advance(500);
    return rowOf(id);
  };
  await expect.poll(rowLater, { timeout: 15_000 }).toMatchObject({ head_seq: 210, checkpoint_seq: 210 });
  expect(await allTables(database).selectFrom("doc_update").select("seq").execute()).toEqual([]);
  await session.write(typed("after"));
  const second = open();
  expect(await second.read(ann, id, ({ draft }) => draft.toJSON())).toBe(`${before}after`);
  await second.close();
});

test("a log with a hole is never served", async () => {
  const id = newId();
  const session = aSession(id);
  for (const word of ["a", "b", "c"]) await session.write(typed(word));
  await allTables(database).deleteFrom("doc_update").where("seq", "=", 2).execute();
  const second = open();
  await expect(second.read(ann, id, ({ draft }) => draft.toJSON())).rejects.toMatchObject({ failure: "unavailable" });
  const closed: number[] = [];
  const transport = { send: () => undefined, close: (code: number) => closed.push(code), bufferedBytes: () => 0 };
  second.join(ann, { kind: "conversation", id, epoch: 0 }, transport, true);
  await expect(second.read(ann, id, () => undefined)).rejects.toBeInstanceOf(CommitError);
  expect(closed).toEqual([4503]);
  await second.close();
});

describe("the feed", () => {
  test("numbers each account's changes in their order, together with the summary", async () => {
    const [one, two] = [newId(), newId()];
    const first = aSession(one);
    await first.write((doc) => doc.getMap("meta").set("title", "One"));
    await aSession(two).write((doc) => doc.getMap("meta").set("title", "Two"));
    await aSession(newId(), ben).write(typed("of another account"));
    clock.advance(1_000);
    await first.write((doc) => doc.getMap("meta").set("title", "One again"));
    const own = (await allTables(database).selectFrom("feed").selectAll().orderBy("feed_seq").execute()).filter(
      (row) => row.account_id === "ann",
    );
    expect(own.map((row) => row.document_id)).toEqual([two, one]);
    // No number comes twice, also in one millisecond, and none that was given in a time that a backup does not know.
    expect(own.map((row) => row.feed_seq - clock.now())).toEqual([expect.toSatisfy((ms: number) => ms < 0), 0]);
    expect(JSON.parse((await rowOf(one))!.summary)).toMatchObject({ title: "One again" });
  });

  test("R19: one word that the feed moved stands for all commits of a while, and only their owner hears it", async () => {
    const [id, other] = [newId(), newId()];
    const writer = aSession(id);
    const heard = aSession(other);
    const stranger = aSession(newId(), ben);
    await heard.write(typed("here"));
    await stranger.write(typed("there"));
    clock.advance(250);
    const hints = (session: typeof heard): number => session.frames.filter(({ type }) => type === "feed").length;
    const before = [hints(heard), hints(stranger)];
    for (const title of ["One", "Two", "Three"]) await writer.write((doc) => doc.getMap("meta").set("title", title));
    expect([hints(heard), hints(stranger)]).toEqual(before);
    clock.advance(1_000);
    expect([hints(heard), hints(stranger)]).toEqual([before[0]! + 1, before[1]]);
  });

  test("a summary that a killed process left stale is made good at the next start", async () => {
    const id = newId();
    await aSession(id).write((doc) => doc.getMap("meta").set("title", "Mine"));
    await allTables(database).updateTable("document").set({ summary_seq: 0, summary: "{}" }).execute();
    const second = open();
    for (let i = 0; i < 500 && (await rowOf(id))?.summary_seq === 0; i++) clock.advance(500);
    expect(await rowOf(id)).toMatchObject({ summary_seq: 1 });
    expect(JSON.parse((await rowOf(id))!.summary)).toMatchObject({ title: "Mine" });
    await second.close();
  });
});

test("timers that serve everybody are no part of the request that armed them", async () => {
  new NodeTracerProvider().register();
  const armedIn: (Span | undefined)[] = [];
  const watched = openRooms({
    database,
    clock: {
      now: clock.now,
      after(ms, run) {
        armedIn.push(trace.getActiveSpan());
        return clock.after(ms, run);
      },
    },
    random: Math.random,
    log: { info: note, warn: note, error: note },
  });
  const id = newId();
  await aSession(id).write(typed("ask"));
  try {
    await inSpan("request", {}, async (span) => {
      await watched.edit(relay, id, (conversation) => conversation.rename("Answered"));
      expect(trace.getActiveSpan()).toBe(span);
    });
    // One for the tick, one for the word that the feed moved.
    expect(armedIn).toEqual([undefined, undefined]);
  } finally {
    await watched.close();
    trace.disable();
    context.disable();
    propagation.disable();
  }
});

test("closing commits what was taken, tells sessions to come back, and takes nobody any more", async () => {
  const id = newId();
  const session = aSession(id);
  const written = session.write(typed("last words"));
  await session.until(() => session.frames.length > 0);
  await rooms.close();
  await written;
  expect(session.closes).toEqual([4503]);
  expect(aSession(id).closes).toEqual([4503]);
  expect(await rowOf(id)).toMatchObject({ head_seq: 1 });
});

test("closing ends although the store takes nothing", async () => {
  const session = aSession(newId());
  await session.write(typed("stored"));
  failing = true;
  void session.write(typed("lost"));
  await rooms.close();
  expect(session.closes).toEqual([4503]);
});

const LONG = "m".repeat(600_000);
const KB = 1_000;

async function reopen(memoryBytes: number): Promise<void> {
  await rooms.close();
  rooms = open(memoryBytes);
}
/** Writes a document that takes about 650 KB, and answers its session, which is still there. */
async function aLongOne(id: ConversationId) {
  const session = aSession(id);
  await session.write(typed(LONG));
  return session;
}
/** The room is not needed any more once its log is folded and the feed shows it. */
async function leave(id: ConversationId, { session }: ReturnType<typeof aSession>): Promise<void> {
  session.left();
  const folded = async (): Promise<boolean> => {
    clock.advance(1_000);
    const row = await rowOf(id);
    return row !== undefined && row.checkpoint_seq === row.head_seq;
  };
  await expect.poll(folded, { timeout: 15_000 }).toBe(true);
}

describe("R16: the memory of live documents is bounded", () => {
  test("what nobody uses makes way, least recently used first, and is there when it is wanted again", async () => {
    await reopen(2_200 * KB);
    const ids = [newId(), newId(), newId()];
    for (const id of ids) await leave(id, await aLongOne(id));
    expect(rooms.count()).toBe(3);
    expect((await draftOf(ids[0]!))?.length).toBe(LONG.length);
    await aLongOne(newId());
    expect(rooms.count()).toBe(3);
    const before = rooms.heapBytes();
    // The first was read last, so the second went.
    await draftOf(ids[0]!);
    expect(rooms.heapBytes()).toBe(before);
    expect((await draftOf(ids[1]!))?.length).toBe(LONG.length);
    expect(rooms.heapBytes()).toBeLessThanOrEqual(2_200 * KB);
  });

  test("while others use it, whoever comes is sent away for a while, and nothing of theirs is acknowledged", async () => {
    await reopen(1_000 * KB);
    const [stored, wanted] = [newId(), newId()];
    await leave(stored, await aLongOne(stored));
    const used = newId();
    const inUse = await aLongOne(used);
    expect(rooms.count()).toBe(1);

    const joining = aSession(stored);
    await joining.until(() => joining.closes.length > 0);
    expect(joining.closes).toEqual([1013]);
    await expect(draftOf(stored)).rejects.toThrow(RoomsCrowded);
    await expect(rooms.edit(relay, stored, ({ rename }) => rename("No"))).rejects.toThrow(RoomsCrowded);
    const writing = await aLongOne(wanted);
    expect(writing.closes).toEqual([1013]);
    expect(writing.frames.filter(({ type }) => type === "ack" || type === "nack")).toEqual([]);
    expect(await rowOf(wanted)).toBeUndefined();
    expect(logged.filter((what) => what === "sync").length).toBeGreaterThan(0);
    // Small edits go on where there is room for them.
    await inUse.write(typed(" and more"));
    expect(inUse.closes).toEqual([]);

    await leave(used, inUse);
    expect((await aLongOne(wanted)).closes).toEqual([]);
    expect((await draftOf(wanted))?.length).toBe(LONG.length);
  });

  test("what would not fit even alone is nacked quota; what is there is opened alone whatever it takes", async () => {
    await reopen(500 * KB);
    const id = newId();
    const session = await aLongOne(id);
    expect(session.frames).toContainEqual({ type: "nack", frame: 1, code: "quota" });
    expect(session.closes).toEqual([]);
    session.session.left();

    await reopen(Infinity);
    await leave(id, await aLongOne(id));
    await reopen(500 * KB);
    expect((await draftOf(id))?.length).toBe(LONG.length);
    await expect(draftOf(newId())).resolves.toBeUndefined();
  });
});
