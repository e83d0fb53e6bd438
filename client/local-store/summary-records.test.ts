import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { openDB } from "idb";
import { beforeEach, expect, test } from "vitest";
import type { ConversationSummary } from "#shared/domain/summary.ts";
import type { ConversationEntry } from "#shared/protocol/http-bodies.ts";
import { aSummary } from "#tests/support/a-summary.ts";
import { openLocalStore } from "./open-local-store.ts";

const NAME = "records";

const entry = (number: number, activityAt: number, summary: Partial<ConversationSummary> = {}): ConversationEntry => ({
  kind: "conversation",
  id: `chat-${String(number).padStart(5, "0")}`,
  feedSeq: number,
  epoch: 0,
  headSeq: 1,
  activityAt,
  summary: aSummary(`Chat ${number}`, summary),
});

async function firstOf(store: ReturnType<typeof openLocalStore>, most: number): Promise<string[]> {
  const first = await store.firstSummaries(most);
  return first.ok ? first.value.map(({ feed }) => feed?.summary.title ?? "") : [];
}

beforeEach(() => void (globalThis.indexedDB = new IDBFactory()));

test("what stands first in the list is read first: pinned chats, then the last active, and nothing it does not show", async () => {
  const store = openLocalStore(NAME);
  await store.writeFeed({ from: 0, to: 9 }, [
    entry(1, 100),
    entry(2, 900),
    entry(3, 50, { pinned: true }),
    entry(4, 1_000, { deleted: true }),
    entry(5, 1_000, { archived: true }),
    entry(6, 1_000, { title: "", messageCount: 0 }),
    entry(7, 300),
  ]);
  expect(await firstOf(store, 3)).toEqual(["Chat 3", "Chat 2", "Chat 7"]);
  expect(await firstOf(store, 120)).toEqual(["Chat 3", "Chat 2", "Chat 7", "Chat 1"]);
  store.close();
});

test("a chat moves in the list with what is stored of it, by the feed and by this device", async () => {
  const store = openLocalStore(NAME);
  await store.writeFeed({ from: 0, to: 2 }, [entry(1, 100), entry(2, 200)]);
  await store.writeFeed({ from: 0, to: 3 }, [{ ...entry(1, 300), feedSeq: 3 }]);
  expect(await firstOf(store, 9)).toEqual(["Chat 1", "Chat 2"]);
  const summary = entry(2, 0).summary;
  await store.settle(entry(2, 0).id as never, [], { summary, changedAt: 400, headSeq: 9 });
  expect(await firstOf(store, 9)).toEqual(["Chat 2", "Chat 1"]);
  await store.settle(entry(2, 0).id as never, [], {
    summary: { ...summary, deleted: true },
    changedAt: 500,
    headSeq: 10,
  });
  expect(await firstOf(store, 9)).toEqual(["Chat 1"]);
  store.close();
});

test("all records are read, each once, however many there are", async () => {
  const store = openLocalStore(NAME);
  for (const count of [499, 1, 700]) {
    const before = await store.library();
    const from = before.ok ? before.value.records.length : 0;
    await store.writeFeed(
      { from, to: from + count },
      Array.from({ length: count }, (_, at) => entry(from + at, at)),
    );
    const { value } = (await store.library()) as { value: { records: { id: string }[] } };
    expect(new Set(value.records.map(({ id }) => id)).size).toBe(from + count);
    expect(value.records).toHaveLength(from + count);
  }
  store.close();
});

/** What the version before this one stored. */
async function storeAsBefore(): Promise<void> {
  const before = await openDB(NAME, 1, {
    upgrade(db) {
      db.createObjectStore("summaries", { keyPath: "id" });
      db.createObjectStore("meta");
    },
  });
  for (const one of [entry(1, 100), entry(2, 200)]) await before.put("summaries", { id: one.id, feed: one });
  await before.put("summaries", { id: "garbled", feed: 7 });
  await before.put("meta", 2, "cursor");
  before.close();
}

test("a database of the version before is taken over, and its chats have their places", async () => {
  await storeAsBefore();
  const store = openLocalStore(NAME);
  expect(await firstOf(store, 9)).toEqual(["Chat 2", "Chat 1"]);
  store.close();
  const raw = await openDB(NAME);
  expect([raw.version, await raw.count("summaries"), await raw.get("meta", "cursor")]).toEqual([3, 3, 2]);
  raw.close();
});

test("where a full disk has no room to take it over, what the version before stored is read all the same", async () => {
  await storeAsBefore();
  const { createIndex } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.createIndex = function full(this: IDBObjectStore, ...args): IDBIndex {
    const index = createIndex.apply(this, args);
    if (args[0] === "listed") this.transaction.abort();
    return index;
  };
  const store = openLocalStore(NAME);
  expect(await firstOf(store, 9)).toEqual([]);
  const first = await store.firstSummaries(9);
  expect([first.ok, store.health()]).toEqual([true, { type: "ok" }]);
  store.close();
  IDBObjectStore.prototype.createIndex = createIndex;

  const roomy = openLocalStore(NAME);
  expect(await firstOf(roomy, 9)).toEqual(["Chat 2", "Chat 1"]);
  roomy.close();
});
