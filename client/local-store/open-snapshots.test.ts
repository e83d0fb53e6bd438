import { IDBFactory } from "fake-indexeddb";
import "fake-indexeddb/auto";
import { openDB } from "idb";
import { beforeEach, expect, test } from "vitest";
import { contentIdOf } from "#shared/domain/frozen-content.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { createScriptedSnapshots } from "#tests/support/scripted-snapshots.ts";
import { aTaken, createChannels, newSnapshotTestId, openSnapshotTab } from "#tests/support/snapshot-scenario.ts";
import type { SnapshotNews } from "./local-store.ts";
import { openLocalStore } from "./open-local-store.ts";
import { openSnapshotStore } from "./snapshot-store.ts";

const chat = newSnapshotTestId() as ConversationId;

beforeEach(() => void (globalThis.indexedDB = new IDBFactory()));

test("P5: a snapshot taken offline is shown at once, with its content id and the number it will have", async () => {
  const tab = openSnapshotTab({ online: false });
  const taken = aTaken(chat, 3, { title: "One", tags: ["a"] });
  const taking = tab.snapshots.take(taken);
  expect(tab.snapshots.entries()).toMatchObject([
    {
      state: { type: "pending" },
      summary: {
        title: "One",
        tags: ["a"],
        number: 1,
        contentId: contentIdOf(taken.content.manifest),
        messageCount: 3,
      },
    },
  ]);
  const id = await taking;
  expect(await tab.snapshots.content(id)).toEqual({ ok: true, value: taken.content });
  expect((await tab.store.outbox()).ok).toBe(true);
});

test("P4: once it is stored, another session has all of it, and the outbox says that something waits", async () => {
  const first = openSnapshotTab({ online: false });
  const id = await first.snapshots.take(aTaken(chat, 3));
  await first.snapshots.take(aTaken(chat, 5));
  first.snapshots.setLabels(id, { note: "changed" });
  await expect.poll(async () => await waiting(first)).toBe(3);
  first.close();
  const second = openSnapshotTab({ online: false });
  await expect.poll(() => second.snapshots.loaded()).toBe(true);
  expect(second.snapshots.entries().map(({ summary }) => [summary.number, summary.note])).toEqual([
    [2, ""],
    [1, "changed"],
  ]);
  expect(await second.snapshots.content(id)).toEqual({ ok: true, value: aTaken(chat, 3).content });
});

async function waiting(tab: ReturnType<typeof openSnapshotTab>): Promise<number> {
  const read = await tab.store.outbox();
  return read.ok ? read.value.snapshots.waiting : -1;
}

test("a database of the version before is taken over with all it holds", async () => {
  const before = await openDB("holdfast:account-1:workspace-1", 2, {
    upgrade(db) {
      db.createObjectStore("documents", { keyPath: "id" });
      db.createObjectStore("commands", { keyPath: "runId" });
      db.createObjectStore("meta");
    },
  });
  await before.put("documents", { id: chat, epoch: 0, state: new Uint8Array([0, 0]) });
  await before.put("meta", 7, "cursor");
  before.close();
  const tab = openSnapshotTab({ online: false });
  const id = await tab.snapshots.take(aTaken(chat, 2));
  expect((await tab.snapshots.content(id)).ok).toBe(true);
  tab.close();
  const raw = await openDB("holdfast:account-1:workspace-1");
  expect([raw.version, await raw.count("documents"), await raw.get("meta", "cursor")]).toEqual([3, 1, 7]);
  raw.close();
});

test("what is shown changes in other tabs too", async () => {
  const openBroadcast = createChannels();
  const one = openSnapshotTab({ online: false, openBroadcast });
  const other = openSnapshotTab({ online: false, openBroadcast });
  await expect.poll(() => other.snapshots.loaded()).toBe(true);
  const id = await one.snapshots.take(aTaken(chat, 3));
  await expect.poll(() => other.snapshots.entries().length).toBe(1);
  other.snapshots.setLabels(id, { title: "Named there" });
  await expect.poll(() => one.snapshots.entries()[0]?.summary.title).toBe("Named there");
  await one.snapshots.giveUp(id);
  await expect.poll(() => other.snapshots.entries()).toEqual([]);
  one.close();
  other.close();
});

test("what somebody else stored who told nobody of it is shown once the library hears that the feed was read", async () => {
  const server = createScriptedSnapshots();
  const tab = openSnapshotTab({ online: false });
  await expect.poll(() => tab.snapshots.loaded()).toBe(true);
  // As a worker that is ended, or a move from another database, does.
  const other = openSnapshotTab({ fetch: server.fetch });
  const id = await other.snapshots.take(aTaken(chat, 3));
  other.close();
  tab.fedElsewhere();
  tab.clock.advance(3_000);
  await expect.poll(() => tab.snapshots.entries().map(({ summary }) => summary.id)).toEqual([id]);
  tab.close();
});

test("what is garbled on the disk is set aside, and to be asked for again", async () => {
  const first = openSnapshotTab({ online: false });
  await first.snapshots.take(aTaken(chat, 3));
  first.close();
  const raw = await openDB("holdfast:account-1:workspace-1");
  await raw.put("snapshots", { id: "garbled", listed: 0, feed: 7 });
  await raw.put("meta", 9, "cursor");
  raw.close();
  const tab = openSnapshotTab({ online: false });
  await expect.poll(() => tab.snapshots.loaded()).toBe(true);
  expect(tab.snapshots.entries()).toHaveLength(1);
  await expect.poll(async () => ((read) => read.ok && read.value.corrupt)(await tab.store.outbox())).toBe(1);
  const read = await openSnapshotStore(tab.store).all();
  expect(read.ok && read.value.lost).toBe(true);
  tab.close();
});

test("a record that cannot be read comes again with the feed, however late, and wherever the library is in it", async () => {
  const server = createScriptedSnapshots();
  const first = openSnapshotTab({ fetch: server.fetch });
  const id = await first.snapshots.take(aTaken(chat, 3));
  await expect.poll(() => first.snapshots.entries()[0]?.state.type).toBe("sealed");
  const told = server.feedAfter(0);
  await first.feed(told.cursor, told.entries);
  first.close();
  const raw = await openDB("holdfast:account-1:workspace-1");
  await raw.put("snapshots", { id, listed: 0, feed: 7 });
  raw.close();
  const offline = openSnapshotTab({ online: false });
  await expect.poll(() => offline.snapshots.loaded()).toBe(true);
  // The library goes on from where it is.
  await offline.feed(told.cursor + 1, []);
  expect(offline.snapshots.entries()).toEqual([]);
  offline.close();
  const later = openSnapshotTab({ fetch: server.fetch });
  await expect.poll(() => later.snapshots.entries().map(({ summary }) => summary.id)).toEqual([id]);
  const stored = openSnapshotStore(later.store);
  await expect.poll(async () => ((read) => read.ok && read.value.lost)(await stored.all())).toBe(false);
  const library = await later.store.library();
  expect(library.ok && library.value.cursor).toBe(told.cursor + 1);
  later.close();
});

test("a message that is not what it was is found, and named as damage", async () => {
  const tab = openSnapshotTab({ online: false });
  const id = await tab.snapshots.take(aTaken(chat, 3));
  tab.close();
  await garbleFirst();
  const again = openSnapshotTab({ online: false });
  await expect.poll(() => again.snapshots.loaded()).toBe(true);
  expect(await again.snapshots.content(id)).toEqual({ ok: false, failure: "damaged" });
  again.close();
});

test("a garbled message is mended by fetching the snapshot, and by freezing it again", async () => {
  const server = createScriptedSnapshots();
  const first = openSnapshotTab({ fetch: server.fetch });
  const id = await first.snapshots.take(aTaken(chat, 3));
  await expect.poll(() => first.snapshots.entries()[0]?.state.type).toBe("sealed");
  first.close();
  for (const mend of ["fetch", "take"] as const) {
    await garbleFirst();
    const tab = openSnapshotTab({ fetch: server.fetch, online: false });
    await expect.poll(() => tab.snapshots.loaded()).toBe(true);
    expect(await tab.snapshots.content(id)).toEqual({ ok: false, failure: "damaged" });
    if (mend === "fetch") expect(await tab.snapshots.fetch(id)).toBe(true);
    else await tab.snapshots.take(aTaken(chat, 4));
    expect(await tab.snapshots.content(id)).toEqual({ ok: true, value: aTaken(chat, 3).content });
    tab.close();
  }
});

/** Changes one stored message, as a bad disk would. */
async function garbleFirst(): Promise<void> {
  const raw = await openDB("holdfast:account-1:workspace-1");
  const [key] = await raw.getAllKeys("frozenMessages");
  const message = (await raw.get("frozenMessages", key ?? "")) as Record<string, unknown>;
  await raw.put("frozenMessages", { ...message, text: "something else" }, key);
  raw.close();
}

test("5,000 snapshots of 50 conversations: the first rows are there long before all of them", async () => {
  const chats = Array.from({ length: 50 }, newSnapshotTestId);
  const entry = (at: number): SnapshotNews => {
    const conversationId = chats[at % 50] ?? "";
    const { manifest } = aTaken(conversationId as ConversationId, 1).content;
    const labels = { title: `Snapshot ${at}`, note: "", tags: ["tag"], deleted: false };
    const about = { number: 1 + Math.floor(at / 50), contentId: contentIdOf(manifest), head: manifest.head };
    const stamped = { messageCount: 1, model: "t/m", excerpt: "Words", createdAt: at, createdBy: "account-1" };
    const summary = { id: newSnapshotTestId(), conversationId, ...labels, ...about, ...stamped };
    const place = { feedSeq: at + 1, epoch: 0, headSeq: 1, activityAt: at };
    return { kind: "snapshot", ...place, summary, manifest, id: summary.id } as SnapshotNews;
  };
  const store = openLocalStore("holdfast:account-1:workspace-1");
  const entries = Array.from({ length: 5_000 }, (_, at) => entry(at));
  for (let at = 0; at < 5_000; at += 500)
    await store.writeFeed({ from: at, to: at + 500 }, entries.slice(at, at + 500));
  store.close();
  const began = performance.now();
  const tab = openSnapshotTab({ online: false });
  let firstRows: number | undefined;
  tab.snapshots.subscribe(() => (firstRows ??= performance.now() - began));
  await expect.poll(() => tab.snapshots.loaded(), { interval: 1 }).toBe(true);
  const loaded = performance.now() - began;
  expect(tab.snapshots.entries()).toHaveLength(5_000);
  expect(tab.snapshots.entries()[0]?.summary.title).toBe("Snapshot 4999");
  const all = performance.now() - began;
  process.stdout.write(
    `first rows ${firstRows?.toFixed(0)} ms, loaded ${loaded.toFixed(0)} ms, listed ${all.toFixed(0)} ms\n`,
  );
  expect(firstRows).toBeLessThan(loaded / 2);
  tab.close();
}, 60_000);
