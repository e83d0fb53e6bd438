import { IDBFactory } from "fake-indexeddb";
import "fake-indexeddb/auto";
import { beforeEach, expect, test } from "vitest";
import { contentIdOf } from "#shared/domain/frozen-content.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { aTaken, newSnapshotTestId, openSnapshotTab } from "#tests/support/snapshot-scenario.ts";

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
