import { expect, test } from "vitest";
import type { LibraryEntry } from "#client/local-store/library.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { ConversationSummary } from "#shared/domain/summary.ts";
import { aSummary } from "#tests/support/a-summary.ts";
import { countArchived, filterLibrary, firstRows, groupLibrary } from "./library-state.ts";

const NOW = new Date(2026, 10, 22, 9, 30).getTime();
const HOUR = 3_600_000;

function entry(title: string, hoursAgo: number, summary: Partial<ConversationSummary> = {}): LibraryEntry {
  return {
    id: title as ConversationId,
    activityAt: NOW - hoursAgo * HOUR,
    deletedAt: undefined,
    changedAfterDeletion: false,
    erased: false,
    erasing: false,
    summary: aSummary(title, { messageCount: 2, ...summary }),
  };
}
const titles = (entries: readonly LibraryEntry[]): string[] => entries.map((one) => one.summary.title);

test("a pinned chat is among the first rows of a long library, however old it is", () => {
  const many = Array.from({ length: 300 }, (_, index) => entry(`chat ${index}`, index));
  const first = firstRows([...many, entry("pin", 9_999, { pinned: true })], 120);
  expect(first).toHaveLength(120);
  expect(titles(first).slice(0, 2)).toEqual(["pin", "chat 0"]);
});

test("days are calendar days of this device, and pinned chats come first", () => {
  const groups = groupLibrary(
    [
      entry("now", 0),
      entry("early", 9),
      entry("last night", 10),
      entry("six days", 144),
      entry("old", 400),
      entry("pin", 999, { pinned: true }),
    ],
    NOW,
  );
  expect(groups.map((group) => [group.name, titles(group.entries)])).toEqual([
    ["pinned", ["pin"]],
    ["today", ["now", "early"]],
    ["yesterday", ["last night"]],
    ["week", ["six days"]],
    ["older", ["old"]],
  ]);
});

test("search takes every word, without regard to case and accents, in title or excerpt", () => {
  const all = [entry("Café plans", 1, { excerpt: "opening hours" }), entry("Cafe", 2)];
  expect(titles(filterLibrary(all, { query: "CAFE opening", archived: false }))).toEqual(["Café plans"]);
  expect(filterLibrary(all, { query: "  ", archived: false })).toHaveLength(2);
});

test("deleted chats and chats nobody wrote in are in no list; archived ones are in their own", () => {
  const all = [
    entry("gone", 1, { deleted: true }),
    entry("", 1, { messageCount: 0 }),
    entry("kept", 1, { archived: true }),
    entry("", 1, { messageCount: 0, excerpt: "a draft" }),
  ];
  expect(filterLibrary(all, { query: "", archived: false }).map((one) => one.summary.excerpt)).toEqual(["a draft"]);
  expect(titles(filterLibrary(all, { query: "", archived: true }))).toEqual(["kept"]);
  expect(countArchived(all)).toBe(1);
});
