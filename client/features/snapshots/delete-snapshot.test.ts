import { IDBFactory } from "fake-indexeddb";
import "fake-indexeddb/auto";
import { beforeEach, expect, test } from "vitest";
import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { assert } from "#shared/lib/assert.ts";
import { createScriptedSnapshots } from "#tests/support/scripted-snapshots.ts";
import { aTaken, newSnapshotTestId, openSnapshotTab } from "#tests/support/snapshot-scenario.ts";
import { deleteSnapshot } from "./delete-snapshot.ts";

const chat = newSnapshotTestId() as ConversationId;

beforeEach(() => void (globalThis.indexedDB = new IDBFactory()));

function onlyEntry(tab: ReturnType<typeof openSnapshotTab>): SnapshotEntry {
  const [entry] = tab.snapshots.entries();
  assert(entry !== undefined, "it is shown");
  return entry;
}

test("undoing brings a snapshot back out of the trash", async () => {
  const tab = openSnapshotTab({ online: false });
  await tab.snapshots.take(aTaken(chat, 3));
  const undo = await deleteSnapshot(tab.snapshots, onlyEntry(tab));
  expect(onlyEntry(tab).summary.deleted).toBe(true);
  undo?.();
  expect(onlyEntry(tab).summary.deleted).toBe(false);
  tab.close();
});

test("one that the server refused is taken again by undoing, with all it held", async () => {
  const server = createScriptedSnapshots();
  server.happens({ status: 413, code: "too_large" });
  const tab = openSnapshotTab({ fetch: server.fetch });
  const id = await tab.snapshots.take(aTaken(chat, 3));
  await expect.poll(() => onlyEntry(tab).state.type).toBe("refused");
  const undo = await deleteSnapshot(tab.snapshots, onlyEntry(tab));
  await expect.poll(async () => ((read) => read.ok && read.value.snapshots.refused)(await tab.store.outbox())).toBe(0);
  expect(tab.snapshots.entries()).toEqual([]);
  undo?.();
  await expect.poll(() => onlyEntry(tab).state.type).toBe("sealed");
  expect(onlyEntry(tab).summary).toMatchObject({ id, title: "After 3" });
  expect(await tab.snapshots.content(id)).toEqual({ ok: true, value: aTaken(chat, 3).content });
  tab.close();
});
