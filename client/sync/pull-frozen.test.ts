import { IDBFactory } from "fake-indexeddb";
import "fake-indexeddb/auto";
import { beforeEach, expect, test } from "vitest";
import { openSnapshotStore } from "#client/local-store/snapshot-store.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { installFailingIndexedDb } from "#tests/support/failing-indexeddb.ts";
import { aTaken, freshDevice, frozenContent, tabsOf } from "#tests/support/snapshot-scenario.ts";
import type { SnapshotTab } from "#tests/support/snapshot-scenario.ts";

const NAME = "holdfast:account-1:workspace-1";
let chat: ConversationId;
let server: ReturnType<typeof freshDevice>["server"];
const openTab = tabsOf(() => server);

beforeEach(() => {
  ({ chat, server } = freshDevice());
});

/** Another device of the same account takes snapshots. */
async function takenElsewhere(...counts: number[]): Promise<SnapshotId[]> {
  const mine = globalThis.indexedDB;
  globalThis.indexedDB = new IDBFactory();
  const elsewhere = openTab();
  const ids: SnapshotId[] = [];
  for (const count of counts) ids.push(await elsewhere.snapshots.take(aTaken(chat, count)));
  await expect.poll(() => ids.every((id) => server.kept.has(id))).toBe(true);
  elsewhere.close();
  globalThis.indexedDB = mine;
  server.requests.splice(0);
  return ids;
}

async function readFeed(tab: SnapshotTab, from = 0): Promise<void> {
  const { cursor, entries } = server.feedAfter(from);
  await tab.feed(cursor, entries);
}

const keysHere = async (tab: SnapshotTab): Promise<number> => {
  const here = await openSnapshotStore(tab.store).frozenHere();
  return here.ok ? here.value.keys.size : -1;
};
const pulls = (): number => server.requests.filter((request) => request.includes("messages")).length;

test("P5: what other devices took is told of by the feed, and read here offline", async () => {
  const ids = await takenElsewhere(3, 5, 6);
  const tab = openTab();
  await readFeed(tab);
  expect(tab.snapshots.entries().map(({ summary, state }) => [summary.number, state.type])).toEqual([
    [3, "sealed"],
    [2, "sealed"],
    [1, "sealed"],
  ]);
  await expect.poll(async () => await keysHere(tab)).toBe(6);
  tab.close();
  const offline = openTab({ online: false, fetch: () => Promise.reject(new TypeError("network")) });
  await expect.poll(() => offline.snapshots.loaded()).toBe(true);
  for (const [at, count] of [3, 5, 6].entries())
    expect(await offline.snapshots.content(ids[at] ?? ("" as SnapshotId))).toEqual({
      ok: true,
      value: frozenContent(chat, count),
    });
});

test("an answer that is cut into pages goes on where it was, and ends", async () => {
  await takenElsewhere(9);
  server.pageSize = 2;
  const tab = openTab();
  await readFeed(tab);
  await expect.poll(async () => await keysHere(tab)).toBe(9);
  await expect.poll(pulls).toBe(5);
});

test("a message under a hash it does not have is not stored, is told of once, and asked for no more than twice", async () => {
  const [id] = await takenElsewhere(3);
  server.garble = (message) => (message.role === "assistant" ? { ...message, text: "something else" } : message);
  const tab = openTab();
  await readFeed(tab);
  await expect.poll(async () => await keysHere(tab)).toBe(2);
  const outbox = async () => await tab.store.outbox();
  await expect.poll(async () => ((read) => read.ok && read.value.corrupt)(await outbox())).toBe(1);
  for (let look = 0; look < 5; look++) {
    tab.goOnline();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(pulls()).toBeLessThan(6);
  expect(await tab.snapshots.content(id ?? ("" as SnapshotId))).toEqual({ ok: false, failure: "missing" });
  // Asked for by itself it is checked as a whole, and comes as it was.
  expect(await tab.snapshots.fetch(id ?? ("" as SnapshotId))).toBe(true);
  expect((await tab.snapshots.content(id ?? ("" as SnapshotId))).ok).toBe(true);
});

/** What the feed says of one that was erased. */
const erased = (id: SnapshotId | undefined, feedSeq: number) => {
  const entry = server.feedAfter(0).entries.find((one) => one.id === id);
  return [{ ...entry, kind: "snapshot" as const, id: id ?? "", feedSeq, erased: true }];
};

test("C13: what is erased goes, with the messages that no other snapshot has", async () => {
  const [first, second] = await takenElsewhere(3, 5);
  const tab = openTab();
  await readFeed(tab);
  await expect.poll(async () => await keysHere(tab)).toBe(5);
  await tab.feed(100, erased(second, 100));
  expect(await keysHere(tab)).toBe(3);
  expect(tab.snapshots.entries().map(({ summary }) => summary.id)).toEqual([first]);
  expect((await tab.snapshots.content(first ?? ("" as SnapshotId))).ok).toBe(true);
  await tab.feed(101, erased(first, 101));
  expect([await keysHere(tab), tab.snapshots.entries()]).toEqual([0, []]);
});

test("a full disk is asked for nothing more for a while, and shows all the same what the feed tells", async () => {
  const failing = installFailingIndexedDb();
  await takenElsewhere(3);
  const tab = openTab();
  await expect.poll(() => tab.snapshots.loaded()).toBe(true);
  failing.failWrites(() => true);
  await readFeed(tab);
  expect(tab.snapshots.entries()).toHaveLength(1);
  expect(tab.store.health()).toEqual({ type: "failing", reason: "full" });
  for (let look = 0; look < 5; look++) tab.goOnline();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(pulls()).toBeLessThan(2);
  failing.heal();
});

test("A4: what did not fit is stored when a person says so, offline too", async () => {
  const failing = installFailingIndexedDb();
  const tab = openTab({ online: false });
  await expect.poll(() => tab.snapshots.loaded()).toBe(true);
  failing.failWrites(() => true);
  const id = await tab.snapshots.take(aTaken(chat, 3));
  await tab.held.at(-1)?.storeAgain();
  expect(tab.held.at(-1)).toMatchObject({ waiting: 1, isFull: true });
  failing.heal();
  await tab.held.at(-1)?.storeAgain();
  expect(tab.held.at(-1)).toMatchObject({ waiting: 0, isFull: false });
  expect(tab.snapshots.isKept(id)).toBe(true);
  const again = openTab({ online: false, name: NAME });
  await expect.poll(() => again.snapshots.entries()).toMatchObject([{ summary: { id }, state: { type: "pending" } }]);
});

test("what cannot be stored is kept in memory, goes out, and is stored once there is room", async () => {
  const failing = installFailingIndexedDb();
  const tab = openTab({ online: false });
  await expect.poll(() => tab.snapshots.loaded()).toBe(true);
  failing.failWrites(() => true);
  const id = await tab.snapshots.take(aTaken(chat, 3));
  expect(tab.snapshots.entries()).toMatchObject([{ state: { type: "pending" } }]);
  expect(tab.held.at(-1)).toMatchObject({ waiting: 1, refused: 0, isFull: true });
  // While it was being stored nothing was known to be wrong.
  expect(tab.held[0]).toMatchObject({ isFull: false });
  expect(tab.snapshots.isKept(id)).toBe(false);
  failing.heal();
  tab.goOnline();
  await expect.poll(() => tab.snapshots.entries()[0]?.state.type).toBe("sealed");
  expect(tab.snapshots.isKept(id)).toBe(true);
  expect(tab.held.at(-1)).toMatchObject({ waiting: 0, refused: 0, isFull: false });
  tab.close();
  const again = openTab({ online: false, name: NAME });
  await expect.poll(() => again.snapshots.entries().length).toBe(1);
  expect(await again.snapshots.content(id)).toEqual({ ok: true, value: aTaken(chat, 3).content });
});

test("an answer that is older than what was answered here does not bring back what was before", async () => {
  const [id = "" as SnapshotId] = await takenElsewhere(3);
  const before = server.feedAfter(0);
  const tab = openTab();
  await tab.feed(before.cursor, before.entries);
  tab.snapshots.setLabels(id, { title: "Renamed" });
  await expect
    .poll(() => tab.snapshots.entries()[0])
    .toMatchObject({ state: { type: "sealed" }, summary: { title: "Renamed" } });
  await tab.feed(before.cursor, before.entries);
  expect(tab.snapshots.entries()[0]?.summary.title).toBe("Renamed");
  await readFeed(tab);
  expect(tab.snapshots.entries()[0]?.summary.title).toBe("Renamed");
});
