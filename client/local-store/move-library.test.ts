import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { openDB } from "idb";
import { beforeEach, describe, expect, test } from "vitest";
import * as Y from "yjs";
import { noLocks } from "#client/platform/locks.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { crc32 } from "#shared/lib/crc32.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { aSummary } from "#tests/support/a-summary.ts";
import { countRequestsAsSteps, liveUntil } from "#tests/support/dying-tab.ts";
import { installFailingIndexedDb } from "#tests/support/failing-indexeddb.ts";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import { createSeededRandom } from "#tests/support/seeded-random.ts";
import type { LocalStore } from "./local-store.ts";
import { moveLibrary } from "./move-library.ts";
import { DATABASE_VERSION } from "./open-database.ts";
import { localStoreName, openLocalStore } from "./open-local-store.ts";
import type { RunCommand } from "./run-command.ts";

countRequestsAsSteps();

const FROM = localStoreName("guest", "own");
const TO = localStoreName("ann", "personal");
const random = createSeededRandom(21);
const newId = (): ConversationId => createUuidV7(Date.UTC(2026, 0, 1), random.bytes) as ConversationId;
const [SENT, UNSENT, FOLDED, SET_ASIDE] = [newId(), newId(), newId(), newId()];
const [BOTH, OTHER_EPOCH, FORGOTTEN] = [newId(), newId(), newId()];

beforeEach(() => void (globalThis.indexedDB = new IDBFactory()));

async function move(signal = new AbortController().signal, atOnce?: number) {
  const clock = createFakeClock();
  const broadcast = { post: () => undefined, onMessage: () => () => undefined };
  const parts = { platform: { clock, openBroadcast: () => broadcast }, locks: noLocks };
  const moving = moveLibrary(parts, { from: FROM, to: TO }, signal, atOnce);
  clock.advance(1_000);
  return await moving;
}

/** Edits of one document, each with what it changes only; the same words give the same bytes. */
function edits(...words: string[]): Uint8Array[] {
  const doc = new Y.Doc();
  doc.clientID = crc32(new TextEncoder().encode(words.join()));
  const made: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => made.push(update));
  const { draft } = openConversation(doc, "edit");
  for (const word of words) draft.insert(draft.length, word);
  return made;
}

const command = (conversationId: string, runId: string): RunCommand => ({
  runId,
  conversationId,
  parentMessageId: "p",
  messageId: "m",
  model: "m",
  parameters: {},
  createdAt: 1,
});

/** Writes edits that wait to be sent. */
async function writeEdits(store: LocalStore, id: ConversationId, updates: Uint8Array[], commands: RunCommand[] = []) {
  for (const local of updates) {
    const summary = { summary: aSummary("Unsent"), changedAt: 5, headSeq: undefined };
    const write = { id, epoch: 0, local, remote: undefined, state: undefined, commands, summary, strict: false };
    await store.write(write);
  }
}

async function pull(store: LocalStore, id: ConversationId, feedSeq: number, epoch = 0): Promise<void> {
  const [update = new Uint8Array()] = edits("from the server");
  const entry = { id, feedSeq, epoch, headSeq: 7, activityAt: feedSeq, summary: aSummary("Sent") };
  await store.writeFeed({ from: 0, to: feedSeq }, [{ kind: "conversation", ...entry }]);
  await store.takePulled([{ id, epoch, seq: 7, update, whole: true }]);
}

/** Everything a guest's database can hold, and in the account's two of the same chats. */
async function fill(): Promise<void> {
  const guest = openLocalStore(FROM);
  await pull(guest, SENT, 1);
  await writeEdits(guest, UNSENT, edits("one ", "two ", "three"), [command(UNSENT, "run-1"), command(UNSENT, "run-2")]);
  await writeEdits(guest, FOLDED, edits("once ", "more"));
  await guest.compact(FOLDED, 0);
  await writeEdits(guest, FOLDED, edits("and again"));
  await pull(guest, SET_ASIDE, 2);
  await guest.setAside(SET_ASIDE, edits("a copy").at(-1) ?? new Uint8Array());
  await writeEdits(guest, BOTH, edits("of the guest"), [command(BOTH, "run-3")]);
  await guest.compact(BOTH, 0);
  await writeEdits(guest, OTHER_EPOCH, edits("of another history"));
  await guest.compact(OTHER_EPOCH, 0);
  await guest.forget(FORGOTTEN);
  guest.close();
  const raw = await openDB(FROM);
  await raw.add("outbox", { documentId: 7 });
  await raw.add("quarantine", { documentId: "", reason: "corrupt", content: "whose?", told: true });
  raw.close();
  const account = openLocalStore(TO);
  await writeEdits(account, BOTH, edits("of the account"));
  await account.compact(BOTH, 0);
  await pull(account, OTHER_EPOCH, 1, 3);
  account.close();
}

type Raw = Record<string, unknown>;

/** All records of a database but for the keys of rows, in an order of their own; edits with their bytes. */
async function contentOf(name: string): Promise<Record<string, string[]>> {
  const db = await openDB(name, DATABASE_VERSION);
  const content: Record<string, string[]> = {};
  for (const store of db.objectStoreNames) {
    const records = (await db.getAll(store)) as Raw[];
    if (store === "outbox")
      for (const record of records)
        record["update"] = typeof record["update"] === "number" ? await db.get("updates", record["update"]) : "folded";
    content[store] = records.map((record) => textOf(record)).toSorted();
  }
  db.close();
  return content;
}

const textOf = (record: unknown): string =>
  JSON.stringify(record, (_key, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value,
  );

const countOf = (content: Record<string, string[]>): number =>
  Object.entries(content).reduce((sum, [store, records]) => sum + (store === "meta" ? 0 : records.length), 0);

/** What is moved, and what the guest's database is left with: what the feed tells anyway. */
async function moved() {
  globalThis.indexedDB = new IDBFactory();
  await fill();
  const before = await contentOf(FROM);
  const outcome = await move();
  return { outcome, before, after: await contentOf(TO), left: await contentOf(FROM) };
}

test("P1: all of a guest's chats are in the account afterwards, with every edit and command that waits, and nowhere else", async () => {
  const { outcome, after, left } = await moved();
  expect(outcome).toEqual({ ok: true, value: 7 });
  expect(countOf(left)).toBe(0);
  const store = openLocalStore(TO);
  const words = async (id: ConversationId): Promise<string> => {
    const read = await store.load(id);
    const doc = new Y.Doc();
    if (read.ok && read.value.state) Y.applyUpdate(doc, read.value.state);
    return String(openConversation(doc, "reader").draft);
  };
  expect(await words(SENT)).toBe("from the server");
  expect(await words(UNSENT)).toBe("one two three");
  for (const part of ["once more", "and again"]) expect(await words(FOLDED)).toContain(part);
  for (const part of ["of the guest", "of the account"]) expect(await words(BOTH)).toContain(part);
  expect(await words(OTHER_EPOCH)).toBe("from the server");

  const outbox = await store.outbox();
  const rows = outbox.ok ? [...outbox.value.rows].map(([id, keys]) => [id, keys.length]) : [];
  // An outbox row that nobody could read any more had all documents marked to be compared.
  expect(Object.fromEntries(rows)).toEqual({ [SENT]: 1, [UNSENT]: 4, [FOLDED]: 4, [SET_ASIDE]: 1, [BOTH]: 3 });
  expect(outbox).toMatchObject({ value: { setAside: new Set([SET_ASIDE, OTHER_EPOCH]), corrupt: 1 } });
  const commands = await store.commands();
  expect(commands.ok && commands.value.map(({ runId }) => runId)).toEqual(["run-1", "run-2", "run-3"]);
  expect(after["outbox"]?.filter((row) => row.includes("folded"))).toHaveLength(8);
  expect(after["meta"]).toHaveLength(2); // how far the account's own feed was read, and what is to be cleaned up
  store.close();
});

test("what was moved is in the list at once, and the account's feed takes over", async () => {
  await moved();
  const store = openLocalStore(TO);
  const listed = await store.firstSummaries(9);
  const titles = listed.ok ? listed.value.map(({ id, local, feed }) => [id, (local ?? feed)?.summary.title]) : [];
  expect(titles).toContainEqual([SENT, "Sent"]);
  expect(titles).toContainEqual([UNSENT, "Unsent"]);
  const entry = { id: SENT, feedSeq: 1, epoch: 0, headSeq: 7, activityAt: 1, summary: aSummary("Told") };
  await store.writeFeed({ from: 0, to: 2 }, [{ kind: "conversation", ...entry }]);
  const library = await store.library();
  const record = library.ok ? library.value.records.find(({ id }) => id === SENT) : undefined;
  // Its text is here already, so it is not asked for.
  expect(record).toMatchObject({ local: undefined, feed: { summary: { title: "Told" } }, have: { epoch: 0, seq: 7 } });
  store.close();
});

test("a guest who wrote nothing, or whose database is gone, moves nothing", async () => {
  expect(await move()).toEqual({ ok: true, value: 0 });
  expect(await move()).toEqual({ ok: true, value: 0 });
  expect(countOf(await contentOf(TO))).toBe(0);
});

test("P1: a tab that dies at any request, and the next one after it, lose nothing and double nothing", async () => {
  const whole = await moved();
  for (let step = 1; ; step++) {
    globalThis.indexedDB = new IDBFactory();
    await fill();
    const { died } = await liveUntil(step, () => move(undefined, 3));
    if (died && step % 5 === 0) await liveUntil(1 + (step % 97), () => move(undefined, 3));
    expect(await move(), `died at ${step}`).toMatchObject({ ok: true });
    expect(await contentOf(TO), `died at ${step}`).toEqual(whole.after);
    expect(await contentOf(FROM), `died at ${step}`).toEqual(whole.left);
    if (died) continue;
    expect(step).toBeGreaterThan(200);
    return;
  }
}, 120_000);

describe("a full disk", () => {
  test("leaves the guest's database as it was where nothing can be written", async () => {
    const device = installFailingIndexedDb();
    await fill();
    const before = await contentOf(FROM);
    device.failWrites(() => true);
    expect(await move()).toEqual({ ok: false, failure: "full" });
    expect(await contentOf(FROM)).toEqual(before);
    device.heal();
  });

  test("at any single write loses nothing, is said, and is made up for", async () => {
    const whole = await moved();
    for (let nth = 1; ; nth++) {
      const device = installFailingIndexedDb();
      await fill();
      device.failWrites((write) => write === nth);
      const outcome = await move();
      const writes = device.heal();
      if (nth > writes) return;
      const again = await move();
      expect([outcome.ok, again.ok], `write ${nth}`).toEqual([outcome.ok, true]);
      expect(await contentOf(TO), `write ${nth}`).toEqual(whole.after);
      expect(await contentOf(FROM), `write ${nth}`).toEqual(whole.left);
    }
  });
});

test("a tab that dies, and a disk without room for many chats at once after it, double nothing", async () => {
  const whole = await moved();
  for (let step = 20; ; step += 3) {
    const device = installFailingIndexedDb();
    await fill();
    const { died } = await liveUntil(step, () => move());
    if (!died) return;
    device.failWrites((write) => write === 2);
    await move();
    device.heal();
    expect(await move()).toMatchObject({ ok: true });
    expect(await contentOf(TO), `died at ${step}`).toEqual(whole.after);
  }
});

test("what another tab stores in the middle comes along, and nothing is there twice", async () => {
  const [first = new Uint8Array(), second = new Uint8Array()] = edits("first ", "second");
  const late = openLocalStore(FROM);
  const many = [UNSENT, ...Array.from({ length: 50 }, newId)];
  for (const id of many) await writeEdits(late, id, [first]);
  const { put } = IDBObjectStore.prototype;
  const written = new Set<ConversationId>();
  const writing: Promise<unknown>[] = [];
  IDBObjectStore.prototype.put = function interrupted(this: IDBObjectStore, ...args) {
    // The mark is written last: what comes now stands in line between the copy and the deletion.
    const copied = args[1] === "moving" ? (args[0] as { copied: Map<ConversationId, unknown> }).copied : [];
    for (const [id] of copied)
      if (written.size < 30 && !written.has(id)) {
        written.add(id);
        writing.push(writeEdits(late, id, [second]));
      }
    return put.apply(this, args);
  };
  const outcome = await move();
  IDBObjectStore.prototype.put = put;
  await Promise.all(writing);
  late.close();
  expect([outcome, written.size]).toEqual([{ ok: true, value: 51 }, 30]);
  const content = await contentOf(TO);
  expect([content["updates"]?.length, content["outbox"]?.length]).toEqual([81, 81]);
  expect(countOf(await contentOf(FROM))).toBe(0);
});

test("1,000 chats are moved in seconds", async () => {
  const [state = new Uint8Array()] = edits("some words ".repeat(50));
  openLocalStore(FROM).close();
  const guest = openLocalStore(FROM);
  await guest.library();
  guest.close();
  const raw = await openDB(FROM);
  const transaction = raw.transaction(["documents", "updates", "outbox", "summaries"], "readwrite");
  for (let at = 0; at < 1_000; at++) {
    const id = newId();
    void transaction.objectStore("documents").put({ id, epoch: 0, state });
    const update = await transaction.objectStore("updates").add({ documentId: id, bytes: state });
    void transaction.objectStore("outbox").add({ documentId: id, update });
    const local = { summary: aSummary("One of many"), changedAt: at, headSeq: undefined };
    void transaction.objectStore("summaries").put({ id, local });
  }
  await transaction.done;
  raw.close();
  const began = performance.now();
  expect(await move()).toEqual({ ok: true, value: 1_000 });
  expect(performance.now() - began).toBeLessThan(30_000);
  const content = await contentOf(TO);
  expect([content["documents"]?.length, content["outbox"]?.length]).toEqual([1_000, 1_000]);
  expect(content["outbox"]?.some((row) => row.includes("folded"))).toBe(false);
}, 60_000);

test("a move that is told to stop goes on from there the next time", async () => {
  await fill();
  const ending = new AbortController();
  ending.abort();
  expect(await move(ending.signal)).toMatchObject({ ok: false });
  expect(await move()).toEqual({ ok: true, value: 7 });
});
