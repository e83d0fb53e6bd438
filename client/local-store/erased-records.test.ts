import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, expect, test, vi } from "vitest";
import * as Y from "yjs";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { ConversationEntry } from "#shared/protocol/http-bodies.ts";
import { openDatabase } from "./open-database.ts";
import { aSummary } from "#tests/support/a-summary.ts";
import { openLocalStore } from "./open-local-store.ts";
import type { LocalStore, LocalSummary, SummaryRecord } from "./local-store.ts";

const GONE = "gone" as ConversationId;
const KEPT = "kept" as ConversationId;
let store: LocalStore;

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  store = openLocalStore("device");
});

const summary = (deleted: boolean) => aSummary("Tides", { deleted });
const local = (deleted: boolean, headSeq?: number): LocalSummary => ({
  summary: summary(deleted),
  changedAt: 9,
  headSeq,
});
const entry = (id: string, feedSeq: number, over: Partial<ConversationEntry> = {}): ConversationEntry => ({
  kind: "conversation",
  id,
  feedSeq,
  epoch: 0,
  headSeq: feedSeq,
  activityAt: feedSeq,
  summary: summary(false),
  ...over,
});
const erased = (id: string): ConversationEntry =>
  entry(id, 9, { erased: true, summary: { ...summary(true), title: "" } });
const command = (conversationId: string) => ({
  runId: `run-${conversationId}`,
  conversationId,
  parentMessageId: "p",
  messageId: "m",
  model: "m",
  parameters: {},
  createdAt: 1,
});

/** Everything a device can hold of a conversation; its edit waits, or is acknowledged. */
async function hold(id: ConversationId, waits: boolean, made = local(false)): Promise<void> {
  const doc = new Y.Doc();
  openConversation(doc, "edit").rename("Tides");
  const update = Y.encodeStateAsUpdate(doc);
  await store.writeFeed({ from: 0, to: 1 }, [entry(id, 1)]);
  const write = { id, epoch: 0, local: update, remote: update, state: undefined, commands: [command(id)] };
  const stored = await store.write({ ...write, summary: made, strict: false });
  if (!stored.ok || stored.value === undefined) throw new Error("not stored");
  await store.setAside(id, update);
  const quarantined = await store.load(id);
  if (!quarantined.ok) throw new Error("not read");
  await store.bringBack(
    quarantined.value.setAside.map(({ key }) => key),
    { ...write, local: undefined, remote: undefined, commands: [], summary: undefined, strict: false },
  );
  await store.compact(id, 0);
  if (!waits) await store.settle(id, [stored.value], local(false, 1));
}

const STORES = ["documents", "updates", "outbox", "summaries", "commands", "quarantine"] as const;

/** How many records of each store name a conversation. */
async function recordsOf(id: ConversationId): Promise<Record<string, number>> {
  const read = await openDatabase("device").run("readonly", [...STORES], async (transaction) => {
    const counts = STORES.map(async (name) => {
      const records: object[] = await transaction.objectStore(name).getAll();
      return [name, records.filter((record) => Object.values(record).includes(id)).length] as const;
    });
    return Object.fromEntries(await Promise.all(counts));
  });
  return read.ok ? read.value : {};
}

async function recordOf(id: ConversationId): Promise<SummaryRecord | undefined> {
  const read = await store.library();
  return read.ok ? read.value.records.find((record) => record.id === id) : undefined;
}

const NOTHING = { documents: 0, updates: 0, outbox: 0, summaries: 0, commands: 0, quarantine: 0 };

test("C13: what was erased on the server is deleted from every store, and nothing else is", async () => {
  await hold(GONE, false);
  await hold(KEPT, false);
  expect(Object.values(await recordsOf(GONE))).toEqual([1, 0, 0, 1, 1, 1]);
  const before = await recordsOf(KEPT);
  expect(await store.writeFeed({ from: 0, to: 9 }, [erased(GONE), entry(KEPT, 2)])).toEqual({
    ok: true,
    value: [GONE],
  });
  expect(await recordsOf(GONE)).toEqual(NOTHING);
  expect(await recordsOf(KEPT)).toEqual(before);
  expect(await store.library()).toMatchObject({ value: { cursor: 9, records: [{ id: KEPT }] } });
});

test("C13: an erased conversation with edits that the server never had stays, and is marked", async () => {
  await hold(GONE, true);
  expect(await store.writeFeed({ from: 0, to: 9 }, [erased(GONE)])).toEqual({ ok: true, value: [] });
  expect(await recordOf(GONE)).toMatchObject({ changedAfterDeletion: true, feed: { erased: true } });
  const loaded = await store.load(GONE);
  expect(loaded).toMatchObject({ ok: true, value: { outbox: [{}] } });
  await store.forget(GONE);
  expect(await recordsOf(GONE)).toEqual(NOTHING);
});

test("C13: whoever deleted it here, or had it erased, holds nothing worth keeping", async () => {
  await hold(GONE, true, local(true));
  await hold(KEPT, true);
  await store.mark(KEPT, { erasing: true });
  expect(await store.writeFeed({ from: 0, to: 9 }, [erased(GONE), erased(KEPT)])).toEqual({
    ok: true,
    value: [GONE, KEPT],
  });
  expect([await recordsOf(GONE), await recordsOf(KEPT)]).toEqual([NOTHING, NOTHING]);
});

test("C13: what was restored before the answer to its erasure came is not deleted with it", async () => {
  await hold(GONE, true, local(true));
  await store.mark(GONE, { erasing: true });
  await hold(KEPT, true, local(true));
  await store.mark(KEPT, { erasing: true });
  const restored = { id: KEPT, epoch: 0, local: new Uint8Array([0, 0]), remote: undefined, state: undefined };
  await store.write({ ...restored, commands: [], summary: local(false), strict: false });
  const before = await recordsOf(KEPT);
  expect(await store.forget(KEPT, "if erasing")).toEqual({ ok: true, value: false });
  expect(await store.forget(GONE, "if erasing")).toEqual({ ok: true, value: true });
  expect([await recordsOf(GONE), await recordsOf(KEPT)]).toEqual([NOTHING, before]);
});

test("C13: a device that never had it stores nothing of it, but how far it read", async () => {
  await store.writeFeed({ from: 0, to: 9 }, [erased(GONE)]);
  expect(await store.library()).toMatchObject({ ok: true, value: { cursor: 9, records: [] } });
});

test("C13: what is kept outside of the database is ended once, also by a page that opens after a worker deleted it", async () => {
  for (const id of [GONE, KEPT]) await hold(id, false);
  await store.writeFeed({ from: 0, to: 9 }, [erased(GONE), erased("never here")]);
  store.close();
  const clean = vi.fn<(id: ConversationId) => void>();
  const page = openLocalStore("device");
  await page.cleanUpForgotten(clean);
  expect(clean.mock.calls).toEqual([[GONE]]);
  await page.cleanUpForgotten(clean);
  expect(clean).toHaveBeenCalledTimes(1);
  await page.forget(KEPT);
  await page.cleanUpForgotten(clean);
  expect(clean.mock.calls).toEqual([[GONE], [KEPT]]);
  page.close();
});
