import { expect, test } from "vitest";
import {
  OFFLINE_AFTER_MS,
  inMemory,
  nextReach,
  reachable,
  storageNotice,
  storeHealth,
  syncStatus,
} from "./sync-status-state.ts";
import type { Reach, Unsaved } from "./sync-status-state.ts";

const reached: Reach = { failingSince: undefined, browserOffline: false };
const clean: Unsaved = {
  health: { type: "ok" },
  memory: { onlyHere: 0, unsent: 0 },
  known: true,
  unstored: false,
  pending: false,
  outbox: 0,
  refusedSnapshots: 0,
  refused: new Set(),
  unreadable: new Set(),
};

test("C10: saved is said only when nothing waits anywhere", () => {
  expect(syncStatus(true, clean)).toEqual({ type: "saved" });
  for (const waiting of [{ unstored: true }, { pending: true }, { outbox: 1 }, { known: false }]) {
    expect(syncStatus(true, { ...clean, ...waiting })).toEqual({ type: "saving" });
  }
});

test("offline counts what is stored here; a device that cannot store says that first", () => {
  expect(syncStatus(false, { ...clean, outbox: 3, unstored: true })).toEqual({ type: "offline", changes: 3 });
  const memory = { onlyHere: 1, unsent: 2 };
  const failing: Unsaved = { ...clean, health: { type: "failing", reason: "full" }, memory };
  expect(syncStatus(false, failing)).toEqual({ type: "cannot-save", reason: "full", ...memory });
});

test("P4: on a shared device only the server's word counts, and without it the window is all there is", () => {
  const none: Unsaved = { ...clean, health: { type: "none" }, known: false };
  const memory = { onlyHere: 1, unsent: 1 };
  const written = { ...none, memory, pending: true };
  expect(syncStatus(true, none)).toEqual({ type: "saved" });
  expect(syncStatus(false, none)).toEqual({ type: "offline", changes: 0 });
  expect(syncStatus(true, written)).toEqual({ type: "saving" });
  const cannotSave = { type: "cannot-save", reason: "shared-device", ...memory };
  expect(syncStatus(false, written)).toEqual(cannotSave);
  expect(syncStatus(true, { ...written, refused: new Set(["c"]) })).toEqual(cannotSave);
  expect(syncStatus(true, { ...none, memory, refusedSnapshots: 1 })).toEqual(cannotSave);
});

const storing = (pending: boolean, unstoredEdits: boolean, failing?: "full" | "unavailable") => ({
  pending: () => pending,
  unstoredEdits: () => unstoredEdits,
  failing: () => failing,
});

test("P4: what is in this window only is neither stored here nor at the server", () => {
  const documents = [storing(true, true), storing(true, false), storing(false, true), storing(false, false)];
  expect(inMemory(documents, 0)).toEqual({ onlyHere: 1, unsent: 2 });
  expect(inMemory(documents, 3)).toEqual({ onlyHere: 4, unsent: 5 });
});

test("A4: a device on which something did not fit is full until that is stored, whatever else is stored meanwhile", () => {
  expect(storeHealth({ type: "ok" }, [storing(true, true, "full")], false)).toEqual({
    type: "failing",
    reason: "full",
  });
  // A write into a database that was just opened anew fails once, and is made up for.
  expect(storeHealth({ type: "ok" }, [storing(true, true, "unavailable")], false)).toEqual({ type: "ok" });
  expect(storeHealth({ type: "ok" }, [], true)).toEqual({ type: "failing", reason: "full" });
  const silent = { type: "failing", reason: "silent" } as const;
  expect(storeHealth(silent, [storing(true, true, "full")], false)).toEqual(silent);
});

test("what is lost is told before what is mended", () => {
  expect(storageNotice(2, 3, 1)).toEqual({ type: "evicted", chats: 2 });
  expect(storageNotice(0, 3, 0)).toEqual({ type: "corrupt", records: 3 });
  expect(storageNotice(0, 3, 1)).toBeUndefined();
  expect(storageNotice(0, 0, 0)).toBeUndefined();
});

test("C5, P4: what the server refuses is neither saved nor on its way; each chat is counted once", () => {
  const refused = { ...clean, pending: true, outbox: 2, refused: new Set(["a", "b"]), unreadable: new Set(["b", "c"]) };
  expect(syncStatus(true, refused)).toEqual({ type: "refused", documents: 3, unreadable: 2 });
  expect(syncStatus(false, refused)).toEqual({ type: "offline", changes: 2 });
  expect(syncStatus(true, { ...clean, unreadable: new Set(["c"]) })).toEqual({
    type: "refused",
    documents: 1,
    unreadable: 1,
  });
});

test("a short loss is nobody's concern; a longer one is offline until anything comes", () => {
  const failing = nextReach(1_000, reached, { type: "failure" });
  const stillFailing = nextReach(2_500, failing, { type: "failure" });
  expect(reachable(1_000 + OFFLINE_AFTER_MS - 1, stillFailing)).toEqual({
    online: true,
    changesAt: 1_000 + OFFLINE_AFTER_MS,
  });
  expect(reachable(1_000 + OFFLINE_AFTER_MS, stillFailing).online).toBe(false);
  expect(reachable(9_000, nextReach(9_000, stillFailing, { type: "contact" })).online).toBe(true);
});

test("A1: the browser's word is taken at once, unless the server is heard after all", () => {
  const gone = nextReach(0, reached, { type: "browser-offline" });
  expect(reachable(0, gone).online).toBe(false);
  expect(reachable(0, nextReach(0, gone, { type: "contact" })).online).toBe(true);
});
