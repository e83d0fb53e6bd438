import { IDBFactory } from "fake-indexeddb";
import "fake-indexeddb/auto";
import { beforeEach, expect, test } from "vitest";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { newSnapshotTestId } from "#tests/support/snapshot-scenario.ts";
import { openLocalStore } from "./open-local-store.ts";
import { openSnapshotQueue } from "./snapshot-queue.ts";
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
  );
  for (const command of commands) await queue.add(command, []);
  queue.lost();
  expect((await queue.list()).map(({ command }) => command)).toEqual(commands);
  expect(queue.held().waiting).toBe(0);
  const fresh = openLocalStore("holdfast:account-1:workspace-2");
  current = openSnapshotStore(fresh);
  queue.lost();
  expect((await queue.list()).map(({ command }) => command)).toEqual(commands);
  old.close();
  fresh.close();
});
