import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { openDB } from "idb";
import { beforeEach, expect, test } from "vitest";
import { noLocks } from "#client/platform/locks.ts";
import { checkFrozen } from "#shared/domain/frozen-content.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { countRequestsAsSteps, liveUntil } from "#tests/support/dying-tab.ts";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import { frozenContent, newSnapshotTestId } from "#tests/support/snapshot-scenario.ts";
import type { LocalStore } from "./local-store.ts";
import { moveLibrary } from "./move-library.ts";
import { DATABASE_VERSION } from "./open-database.ts";
import { localStoreName, openLocalStore } from "./open-local-store.ts";
import { openSnapshotStore, withHashes } from "./snapshot-store.ts";

countRequestsAsSteps();

const FROM = localStoreName("guest", "own");
const TO = localStoreName("ann", "personal");
const UNSENT = newSnapshotTestId() as ConversationId;
const SNAPSHOTS = [newSnapshotTestId(), newSnapshotTestId(), newSnapshotTestId()] as unknown as readonly [
  SnapshotId,
  SnapshotId,
  SnapshotId,
];

beforeEach(() => void (globalThis.indexedDB = new IDBFactory()));

async function move() {
  const clock = createFakeClock();
  const broadcast = { post: () => undefined, onMessage: () => () => undefined };
  const parts = { platform: { clock, openBroadcast: () => broadcast }, locks: noLocks };
  const moving = moveLibrary(parts, { from: FROM, to: TO }, new AbortController().signal);
  clock.advance(1_000);
  return await moving;
}

/** One that the server sealed, and two of the same chat that wait. */
async function takeSnapshots(guest: LocalStore): Promise<void> {
  const store = openSnapshotStore(guest);
  const [sealed, first, second] = SNAPSHOTS;
  for (const [snapshotId, messages] of [
    [sealed, 1],
    [first, 2],
    [second, 3],
  ] as const) {
    const content = frozenContent(UNSENT, messages);
    const hashes = checkFrozen(content);
    const labels = { title: `Of ${messages}`, note: "", tags: [] };
    const about = { contentId: "c", leaf: "l", excerpt: "", createdBy: "guest" };
    const deed = { type: "take", manifest: content.manifest, ...labels, ...about } as const;
    const taken = { snapshotId, conversationId: UNSENT, createdAt: messages, deed };
    const key = await store.add(taken, withHashes(content, hashes.ok ? hashes.value : []), false);
    const frozen = { head: content.manifest.head, messageCount: messages, model: "m", excerpt: "", contentId: "c" };
    const stamped = { number: 1, createdAt: 9, createdBy: "guest", deleted: false };
    const summary = { id: snapshotId, conversationId: UNSENT, ...labels, ...frozen, ...stamped };
    if (snapshotId === sealed && key.ok && key.value !== undefined)
      await store.settle([{ key: key.value, command: taken }], { type: "done", answered: { summary, headSeq: 3 } });
  }
  await store.add(
    { snapshotId: first, conversationId: UNSENT, createdAt: 4, deed: { type: "labels", labels: { note: "renamed" } } },
    [],
    false,
  );
}

async function fill(): Promise<void> {
  const guest = openLocalStore(FROM);
  await takeSnapshots(guest);
  guest.close();
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

async function moved() {
  await fill();
  expect(await move()).toEqual({ ok: true, value: 1 });
  return { after: await contentOf(TO), left: await contentOf(FROM) };
}

test("P1: snapshots come along, those that wait in their order, and all that they froze", async () => {
  await moved();
  const local = openLocalStore(TO);
  const store = openSnapshotStore(local);
  const all = await store.all();
  const [sealed, first, second] = SNAPSHOTS;
  expect(all.ok && all.value.records.map(({ id, answered }) => [id, answered?.headSeq])).toEqual([[sealed, 3]]);
  expect(all.ok && all.value.queue.map(({ command: { snapshotId, deed } }) => [snapshotId, deed.type])).toEqual([
    [first, "take"],
    [second, "take"],
    [first, "labels"],
  ]);
  const frozen = await store.frozen(UNSENT);
  expect(frozen.ok && [...frozen.value.values()].map(({ text }) => text).toSorted()).toEqual(
    frozenContent(UNSENT, 3).messages.map(({ text }) => text),
  );
  local.close();
});

test("P1: a tab that dies at any request loses no snapshot and doubles none", async () => {
  const whole = await moved();
  expect(Object.values(whole.left).flat()).toEqual([]);
  for (let step = 1; ; step++) {
    globalThis.indexedDB = new IDBFactory();
    await fill();
    const { died } = await liveUntil(step, move);
    expect(await move(), `died at ${step}`).toMatchObject({ ok: true });
    expect(await contentOf(TO), `died at ${step}`).toEqual(whole.after);
    expect(await contentOf(FROM), `died at ${step}`).toEqual(whole.left);
    if (died) continue;
    expect(step).toBeGreaterThan(50);
    return;
  }
}, 120_000);
