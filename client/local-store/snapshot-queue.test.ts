import { IDBFactory } from "fake-indexeddb";
import "fake-indexeddb/auto";
import { beforeEach, expect, test } from "vitest";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { err } from "#shared/lib/result.ts";
import { newSnapshotTestId } from "#tests/support/snapshot-scenario.ts";
import { openLocalStore } from "./open-local-store.ts";
import { openSnapshotQueue, storedOutbox } from "./snapshot-queue.ts";
import type { SnapshotCommand } from "./snapshot-record.ts";
import { openSnapshotStore } from "./snapshot-store.ts";

beforeEach(() => void (globalThis.indexedDB = new IDBFactory()));

test("after a lost connection each command is stored once, whether the database is the old one or a new one", async () => {
  const id = newSnapshotTestId() as SnapshotId;
  const about = { snapshotId: id, conversationId: newSnapshotTestId() as ConversationId, createdAt: 1 };
  const commands: SnapshotCommand[] = [
    { ...about, deed: { type: "labels", labels: { title: "One" } } },
    { ...about, deed: { type: "labels", labels: { title: "Two" } } },
    { ...about, deed: { type: "delete" } },
  ];
  const old = openLocalStore("holdfast:account-1:workspace-1");
  const store = openSnapshotStore(old);
  let current = store;
  const queue = openSnapshotQueue(
    { ...store, add: (...command) => current.add(...command), queue: () => current.queue() },
    () => undefined,
    () => false,
  );
  for (const command of commands) await queue.add(command, []);
  queue.lost();
  expect((await queue.list()).commands.map(({ command }) => command)).toEqual(commands);
  expect(queue.held().waiting).toBe(0);
  const fresh = openLocalStore("holdfast:account-1:workspace-2");
  current = openSnapshotStore(fresh);
  queue.lost();
  expect((await queue.list()).commands.map(({ command }) => command)).toEqual(commands);
  old.close();
  fresh.close();
});

test("a store that does not answer is not one in which nothing waits, unless there is to be none", async () => {
  const local = openLocalStore("holdfast:account-1:workspace-1");
  const silent = { ...openSnapshotStore(local), queue: async () => err("silent" as const) };
  expect(await storedOutbox(silent).list()).toEqual({ commands: [], isWhole: false });
  const about = {
    snapshotId: newSnapshotTestId() as SnapshotId,
    conversationId: newSnapshotTestId() as ConversationId,
  };
  const command: SnapshotCommand = { ...about, createdAt: 1, deed: { type: "delete" } };
  for (const isStoreless of [false, true]) {
    const queue = openSnapshotQueue(
      silent,
      () => undefined,
      () => isStoreless,
    );
    await queue.add(command, []);
    expect(await queue.list()).toMatchObject({ commands: [{ command }], isWhole: isStoreless });
  }
  local.close();
});

test("wishes about thousands of snapshots are stored in a few transactions, in their order", async () => {
  const local = openLocalStore("holdfast:account-1:workspace-1");
  const store = openSnapshotStore(local);
  let transactions = 0;
  const counted = {
    ...store,
    add: (...one: Parameters<typeof store.add>) => (transactions++, store.add(...one)),
    addWishes: (...all: Parameters<typeof store.addWishes>) => (transactions++, store.addWishes(...all)),
  };
  const queue = openSnapshotQueue(
    counted,
    () => undefined,
    () => false,
  );
  const conversationId = newSnapshotTestId() as ConversationId;
  const commands = Array.from({ length: 2_000 }, (): SnapshotCommand => ({
    snapshotId: newSnapshotTestId() as SnapshotId,
    conversationId,
    createdAt: 1,
    deed: { type: "erase" },
  }));
  await Promise.all(commands.map((command) => queue.add(command, [])));
  expect(transactions).toBeLessThanOrEqual(5);
  expect(queue.held().waiting).toBe(0);
  const { commands: listed, isWhole } = await queue.list();
  expect(isWhole).toBe(true);
  expect(listed.map(({ command }) => command)).toEqual(commands);
  local.close();
}, 20_000);
