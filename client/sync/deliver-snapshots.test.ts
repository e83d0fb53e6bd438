import { IDBFactory } from "fake-indexeddb";
import "fake-indexeddb/auto";
import { beforeEach, expect, test, vi } from "vitest";
import { storedOutbox } from "#client/local-store/snapshot-queue.ts";
import { openSnapshotStore } from "#client/local-store/snapshot-store.ts";
import type { SnapshotStore } from "#client/local-store/snapshot-store.ts";
import { openLocalStore } from "#client/local-store/open-local-store.ts";
import type { Locks } from "#client/platform/locks.ts";
import { contentIdOf } from "#shared/domain/frozen-content.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/lib/result.ts";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import {
  aTaken,
  createChannels,
  freshDevice,
  newSnapshotTestId,
  settledAt,
  tabsOf,
} from "#tests/support/snapshot-scenario.ts";
import type { SnapshotTab } from "#tests/support/snapshot-scenario.ts";
import { deliverSnapshots } from "./deliver-snapshots.ts";

const NAME = "holdfast:account-1:workspace-1";
let chat: ConversationId;
let server: ReturnType<typeof freshDevice>["server"];
const openTab = tabsOf(() => server);

beforeEach(() => {
  ({ chat, server } = freshDevice());
});

const states = (tab: SnapshotTab): unknown[] =>
  tab.snapshots.entries().map(({ state, summary }) => [state.type, summary.number, summary.title]);

/** The service worker, which has the database and the network alone. */
async function work({ locks, store: other }: { locks?: Locks; store?: SnapshotStore } = {}) {
  const store = openLocalStore(NAME);
  const noLocks: Locks = { hold: async (_name, _signal, body) => await body() };
  const parts = { platform: { fetch: server.fetch, clock: createFakeClock() }, locks: locks ?? noLocks };
  const outbox = storedOutbox(other ?? openSnapshotStore(store));
  const round = await deliverSnapshots(
    { ...parts, outbox, scope: "account-1-workspace-1" },
    new AbortController().signal,
  );
  store.close();
  return round;
}

/** Web Locks of one browser. */
function createLocks(): Locks {
  const tails = new Map<string, Promise<unknown>>();
  return {
    hold(name, _signal, body) {
      const next = (tails.get(name) ?? Promise.resolve()).then(body);
      tails.set(
        name,
        next.catch(() => undefined),
      );
      return next;
    },
  };
}

test("a snapshot is sealed with the server's number, and its messages are sent where the server has them not", async () => {
  const tab = openTab();
  const taken = aTaken(chat, 3);
  const id = await tab.snapshots.take(taken);
  await expect.poll(() => states(tab)).toEqual([["sealed", 1, "After 3"]]);
  expect(server.requests).toEqual(["POST /api/snapshots 409", "POST /api/snapshots 201"]);
  expect(server.kept.get(id)?.summary.contentId).toBe(contentIdOf(taken.content.manifest));
  await settledAt(tab);
});

test("what was imported is sent with its messages at once, after a reload too: the server has them nowhere", async () => {
  const tab = openTab();
  await tab.snapshots.take(aTaken(chat, 3, { source: "file" }));
  await expect.poll(() => states(tab)).toEqual([["sealed", 1, "After 3"]]);
  const offline = openTab({ online: false });
  await offline.snapshots.take(aTaken(newSnapshotTestId() as ConversationId, 4, { source: "file" }));
  offline.close();
  expect(await work()).toEqual({ type: "done" });
  expect(server.requests).toEqual(["POST /api/snapshots 201", "POST /api/snapshots 201"]);
});

test("messages that the server has in its own copy are not sent", async () => {
  server.hasConversations = true;
  const tab = openTab();
  await tab.snapshots.take(aTaken(chat, 3));
  await settledAt(tab);
  expect(server.requests).toEqual(["POST /api/snapshots 201"]);
});

test("P3: whatever becomes of requests and answers, one snapshot comes of it, in every order of faults", async () => {
  for (const faults of [
    ["lost"],
    ["answer-lost"],
    [{ status: 503, retryAfter: 7 }],
    [{ status: 429 }, "lost"],
    [{ status: 409, code: "messages_missing" }, "answer-lost"],
    [{ status: 401 }, "answer-lost", { status: 500 }],
  ] as const) {
    server.happens(...faults);
    const tab = openTab();
    const before = server.kept.size;
    const id = await tab.snapshots.take(aTaken(chat, 3));
    await settledAt(tab);
    expect([server.kept.size, server.kept.has(id)]).toEqual([before + 1, true]);
    expect(tab.snapshots.entries()[0]?.state).toEqual({ type: "sealed" });
    tab.close();
  }
});

test("a server that says when to come back is not asked before", async () => {
  server.happens({ status: 503, retryAfter: 100 });
  const tab = openTab();
  await tab.snapshots.take(aTaken(chat, 3));
  await expect.poll(() => server.requests).toEqual(["POST /api/snapshots 503"]);
  await expect.poll(() => tab.clock.pending()).toBeGreaterThan(0);
  tab.clock.advance(99_000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(server.requests).toHaveLength(1);
  await settledAt(tab);
});

test("P5: created offline, delivered by the worker, killed half-way, delivered twice: one snapshot, and the right number", async () => {
  const page = openTab({ online: false });
  const id = await page.snapshots.take(aTaken(chat, 3));
  const second = await page.snapshots.take(aTaken(chat, 5));
  page.close();
  // Killed after the server had it, and before this device knew.
  server.happens({ status: 409, code: "messages_missing" }, "answer-lost");
  expect(await work()).toMatchObject({ type: "later", reached: false });
  expect(await work()).toEqual({ type: "done" });
  expect(await work()).toEqual({ type: "done" });
  expect([...server.kept.values()].map(({ summary }) => [summary.id, summary.number])).toEqual([
    [id, 1],
    [second, 2],
  ]);
  const later = openTab({ online: false });
  await expect
    .poll(() => states(later))
    .toEqual([
      ["sealed", 2, "After 5"],
      ["sealed", 1, "After 3"],
    ]);
  expect(await later.snapshots.content(id)).toEqual({ ok: true, value: aTaken(chat, 3).content });
});

test("what is done to a snapshot goes in order: taken, named, deleted, erased", async () => {
  const page = openTab({ online: false });
  const id = await page.snapshots.take(aTaken(chat, 3));
  page.snapshots.setLabels(id, { title: "Named" });
  page.snapshots.setDeleted(id, true);
  expect(page.snapshots.entries()[0]?.summary).toMatchObject({ title: "Named", deleted: true });
  page.snapshots.erase(id);
  expect(page.snapshots.entries()).toEqual([]);
  page.goOnline();
  await settledAt(page);
  expect(server.requests).toEqual([
    "POST /api/snapshots 409",
    "POST /api/snapshots 201",
    "PATCH /api/snapshots/:id 200",
    "DELETE /api/snapshots/:id 200",
    "DELETE /api/snapshots/:id?erase=true 204",
  ]);
  expect(page.snapshots.entries()).toEqual([]);
  const frozen = await openSnapshotStore(page.store).frozenHere();
  expect(frozen.ok && frozen.value.keys.size).toBe(0);
});

test("what the server will not have stays here until it is given up, and holds nothing else back", async () => {
  server.happens({ status: 422, code: "too_much" });
  const tab = openTab();
  const id = await tab.snapshots.take(aTaken(chat, 3));
  tab.snapshots.setLabels(id, { note: "of one that is refused" });
  const other = await tab.snapshots.take(aTaken(chat, 5));
  await expect
    .poll(() => tab.snapshots.entries().find(({ summary }) => summary.id === other)?.state.type)
    .toBe("sealed");
  const refused = tab.snapshots.entries().find(({ summary }) => summary.id === id);
  expect(refused).toMatchObject({
    state: { type: "refused", code: "too_much" },
    summary: { note: "of one that is refused" },
  });
  expect((await tab.snapshots.content(id)).ok).toBe(true);
  const outbox = await tab.store.outbox();
  expect(outbox.ok && outbox.value.snapshots).toEqual({ waiting: 1, refused: 1 });
  await tab.snapshots.giveUp(id);
  expect(tab.snapshots.entries().map(({ summary }) => summary.id)).toEqual([other]);
  expect(await tab.snapshots.content(other)).toEqual({ ok: true, value: aTaken(chat, 5).content });
  await settledAt(tab);
});

test("deleting what the server will not have gives it up, before the refusal or after, and leaves nothing that waits", async () => {
  for (const when of ["after", "before"] as const) {
    server.happens({ status: 413, code: "too_large" });
    const tab = openTab({ online: false });
    const id = await tab.snapshots.take(aTaken(chat, 3));
    if (when === "before") {
      tab.snapshots.setDeleted(id, true);
      tab.snapshots.erase(id);
      await settledAt(tab, 3);
    }
    tab.goOnline();
    // Whatever was asked of it meanwhile: it is shown, or nobody could end it.
    await expect.poll(() => states(tab)).toEqual([["refused", 1, "After 3"]]);
    tab.snapshots.setDeleted(id, true);
    expect(tab.snapshots.entries()).toEqual([]);
    await expect.poll(async () => await outboxOf(tab)).toEqual({ waiting: 0, refused: 0 });
    const frozen = await openSnapshotStore(tab.store).frozenHere();
    expect(frozen.ok && frozen.value.keys.size).toBe(0);
    tab.close();
  }
});

test("emptying the trash looks through what is stored as often for many snapshots as for few", async () => {
  const looks: number[] = [];
  for (const count of [2, 12]) {
    globalThis.indexedDB = new IDBFactory();
    const tab = openTab();
    const conversationId = newSnapshotTestId() as ConversationId;
    const ids: SnapshotId[] = [];
    for (let at = 0; at < count; at++) ids.push(await tab.snapshots.take(aTaken(conversationId, 3)));
    await settledAt(tab);
    await expect.poll(() => tab.snapshots.entries().every(({ state }) => state.type === "sealed")).toBe(true);
    const kept = await tab.snapshots.take(aTaken(conversationId, 2));
    for (const id of ids) tab.snapshots.setDeleted(id, true);
    await expect.poll(() => tab.snapshots.entries().filter(({ summary }) => summary.deleted).length).toBe(count);
    await settledAt(tab);
    let told = 0;
    tab.snapshots.subscribe(() => told++);
    const reads = vi.spyOn(IDBObjectStore.prototype, "getAll");
    tab.snapshots.erase(...ids);
    await expect.poll(() => ids.every((id) => server.kept.get(id)?.erased)).toBe(true);
    await expect.poll(async () => await outboxOf(tab)).toEqual({ waiting: 0, refused: 0 });
    looks.push(reads.mock.contexts.filter(isOfFrozen).length, told);
    reads.mockRestore();
    expect(tab.snapshots.entries().map(({ summary }) => summary.id)).toEqual([kept]);
    const frozen = await openSnapshotStore(tab.store).frozenHere();
    expect(frozen.ok && frozen.value.keys.size).toBe(2);
    tab.close();
  }
  expect(looks.slice(0, 2)).toEqual(looks.slice(2));
  expect(looks[0]).toBe(1);
});

const isOfFrozen = (store: unknown): boolean => store instanceof IDBObjectStore && store.name === "frozenMessages";

async function outboxOf(tab: SnapshotTab): Promise<unknown> {
  const read = await tab.store.outbox();
  return read.ok ? read.value.snapshots : read;
}

test("a worker whose database does not answer does not say that nothing waits", async () => {
  const page = openTab({ online: false });
  const id = await page.snapshots.take(aTaken(chat, 3));
  page.close();
  const store = openSnapshotStore(openTab({ online: false }).store);
  expect(await work({ store: { ...store, queue: async () => err("silent") } })).toEqual({ type: "unknown" });
  expect(server.requests).toEqual([]);
  expect(await work()).toEqual({ type: "done" });
  expect(server.kept.has(id)).toBe(true);
});

test("messages that cannot be read just now are read later; only a disk that lost them makes it a refusal", async () => {
  const page = openTab({ online: false });
  const id = await page.snapshots.take(aTaken(chat, 3));
  page.close();
  const store = openSnapshotStore(openTab({ online: false }).store);
  const failing: typeof store = { ...store, frozen: async () => err("unavailable") };
  expect(await work({ store: failing })).toEqual({ type: "later", reached: true, atLeastMs: 0 });
  expect(await work()).toEqual({ type: "done" });
  expect(server.kept.has(id)).toBe(true);
  const second = openTab({ online: false });
  await second.snapshots.take(aTaken(chat, 5));
  second.close();
  await work({ store: { ...store, frozen: async () => ok(new Map()) } });
  const later = openTab({ online: false });
  await expect.poll(() => later.snapshots.entries()[0]?.state).toEqual({ type: "refused", code: "messages_lost" });
});

test("a refused change of a sealed snapshot holds nothing back, is not shown as done, and can be dropped", async () => {
  const tab = openTab();
  const id = await tab.snapshots.take(aTaken(chat, 3));
  await settledAt(tab);
  server.happens({ status: 422, code: "too_long" });
  tab.snapshots.setLabels(id, { title: "Too long" });
  tab.snapshots.setLabels(id, { note: "Short" });
  await expect.poll(async () => await outboxOf(tab)).toEqual({ waiting: 0, refused: 1 });
  expect(tab.snapshots.entries()[0]).toMatchObject({
    state: { type: "change-refused", code: "too_long" },
    summary: { title: "After 3", note: "Short" },
  });
  await tab.snapshots.giveUp(id);
  expect(states(tab)).toEqual([["sealed", 1, "After 3"]]);
  expect(await outboxOf(tab)).toEqual({ waiting: 0, refused: 0 });
  expect(server.kept.get(id)?.summary).toMatchObject({ title: "After 3", note: "Short", deleted: false });
});

test("C14: two tabs and the worker deliver at once: each command goes out once", async () => {
  const locks = createLocks();
  const openBroadcast = createChannels();
  const one = openTab({ online: false, locks, openBroadcast });
  for (const count of [1, 2, 3, 4]) await one.snapshots.take(aTaken(chat, count));
  const other = openTab({ online: false, locks, openBroadcast });
  await expect.poll(() => other.snapshots.entries().length).toBe(4);
  one.goOnline();
  other.goOnline();
  await work({ locks });
  await settledAt(one);
  expect(server.requests.filter((request) => request.endsWith("201"))).toHaveLength(4);
  expect(server.requests).toHaveLength(8);
  await expect
    .poll(() => states(one).map((state) => (state as unknown[]).slice(0, 2)))
    .toEqual([
      ["sealed", 4],
      ["sealed", 3],
      ["sealed", 2],
      ["sealed", 1],
    ]);
  await expect.poll(() => states(other)).toEqual(states(one));
});

test("ADR 0018: on a shared device it is in memory alone, and goes out at once", async () => {
  const tab = openTab({ name: undefined });
  const id = await tab.snapshots.take(aTaken(chat, 3));
  expect(tab.unstored).toContain(1);
  await expect.poll(() => states(tab)).toEqual([["sealed", 1, "After 3"]]);
  expect(tab.unstored.at(-1)).toBe(0);
  expect(await indexedDB.databases()).toEqual([]);
  expect(await tab.snapshots.fetch(id)).toBe(true);
  expect(await tab.snapshots.content(id)).toEqual({ ok: true, value: aTaken(chat, 3).content });
});

test("ADR 0018: on a shared device one that the server refuses is not on its way any more, and is told of as refused", async () => {
  server.happens({ status: 413, code: "too_large" });
  const tab = openTab({ name: undefined });
  const id = await tab.snapshots.take(aTaken(chat, 3));
  await expect.poll(() => tab.held.at(-1)).toMatchObject({ waiting: 0, refused: 1 });
  await tab.snapshots.giveUp(id);
  expect(tab.held.at(-1)).toMatchObject({ waiting: 0, refused: 0 });
});
