import { expect, test } from "vitest";
import type { LibraryEntry } from "#client/local-store/library.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { aSummary } from "#tests/support/a-summary.ts";
import { trashRows } from "./trash-state.ts";

const DAY = 86_400_000;
const NOW = 100 * DAY;

function entry(title: string, daysAgo: number | undefined, over: Partial<LibraryEntry> = {}): LibraryEntry {
  return {
    id: title as ConversationId,
    activityAt: NOW - 3 * DAY,
    deletedAt: daysAgo === undefined ? undefined : NOW - daysAgo * DAY,
    changedAfterDeletion: false,
    erased: false,
    erasing: false,
    summary: aSummary(title, { deleted: true }),
    ...over,
  };
}

test("last deleted comes first; what the server did not date yet stands where this device put it", () => {
  const rows = trashRows([entry("old", 20), entry("new", 1), entry("here", undefined)], NOW);
  expect(rows.map(({ title, fate }) => [title, fate])).toEqual([
    ["new", { type: "kept", days: 29 }],
    ["here", { type: "kept", days: 27 }],
    ["old", { type: "kept", days: 10 }],
  ]);
});

test("what is not deleted is not in the trash, though an older deletion was changed here", () => {
  const kept = entry("kept", 2, { changedAfterDeletion: true });
  expect(trashRows([{ ...kept, summary: { ...kept.summary, deleted: false } }], NOW)).toEqual([]);
});

test("what is being erased, and what was erased elsewhere, say so instead of a day", () => {
  const rows = trashRows(
    [entry("asked", 1, { erasing: true }), entry("mine", undefined, { erased: true, changedAfterDeletion: true })],
    NOW,
  );
  expect(rows.map(({ fate, changed }) => [fate.type, changed])).toEqual([
    ["erasing", false],
    ["erased", true],
  ]);
});
