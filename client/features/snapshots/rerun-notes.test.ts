import { expect, test } from "vitest";
import { createMemoryStorage } from "#client/platform/memory-storage.ts";
import { createSmallStorage } from "#client/platform/small-storage.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { openRerunNotes } from "./rerun-notes.ts";
import type { RerunNote } from "./rerun-notes.ts";

const ME = { accountId: "account-1", workspaceId: "workspace-1", kind: "account" } as const;
const note = (of: string, snapshotId: string): RerunNote => ({
  of: of as SnapshotId,
  snapshotId: snapshotId as SnapshotId,
  conversationId: "c" as ConversationId,
  runId: `run of ${snapshotId}`,
  model: "t/m",
});

function aDevice() {
  const memory = createMemoryStorage();
  return createSmallStorage(() => memory);
}

test("what was asked anew is told of after a reload, newest first, until it was seen", () => {
  const storage = aDevice();
  const before = openRerunNotes(storage, ME);
  before.add(note("s1", "a"));
  before.add(note("s2", "b"));
  before.add(note("s1", "c"));
  const after = openRerunNotes(storage, ME);
  expect(after.of("s1" as SnapshotId)).toEqual([note("s1", "c"), note("s1", "a")]);
  after.remove("c" as SnapshotId);
  expect(before.of("s1" as SnapshotId)).toEqual([note("s1", "a")]);
});

test("another account or workspace on this device has none of them", () => {
  const storage = aDevice();
  openRerunNotes(storage, ME).add(note("s1", "a"));
  for (const other of [{ accountId: "account-2" }, { workspaceId: "workspace-2" }])
    expect(openRerunNotes(storage, { ...ME, ...other }).of("s1" as SnapshotId)).toEqual([]);
});

test("old ones go when there are many, and what cannot be read is none", () => {
  const storage = aDevice();
  const notes = openRerunNotes(storage, ME);
  for (let at = 0; at < 30; at += 1) notes.add(note("s1", `n${at}`));
  expect(notes.of("s1" as SnapshotId)).toHaveLength(20);
  expect(notes.of("s1" as SnapshotId)[0]?.snapshotId).toBe("n29");
  storage.write("holdfast.reruns.account-1.workspace-1", "[{}");
  expect(notes.of("s1" as SnapshotId)).toEqual([]);
});
