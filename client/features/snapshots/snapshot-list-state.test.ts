import { expect, test } from "vitest";
import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import type { SnapshotSummary } from "#shared/domain/snapshot.ts";
import {
  deletedSnapshots,
  filterSnapshots,
  groupSnapshots,
  knownTags,
  placeAmong,
  versionsOf,
} from "./snapshot-list-state.ts";
import { sameAsNewest } from "./take-state.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = new Date(2026, 10, 22, 9, 30).getTime();
const TIDES = "tides" as ConversationId;

const entry = (id: string, number: number, over: Partial<SnapshotSummary> = {}): SnapshotEntry => ({
  summary: {
    id: id as SnapshotId,
    conversationId: TIDES,
    number,
    title: id,
    note: "",
    tags: [],
    contentId: `content of ${id}`,
    head: null,
    messageCount: 2,
    model: "t/m",
    excerpt: "",
    createdAt: NOW,
    createdBy: "me",
    deleted: false,
    ...over,
  },
  state: { type: "sealed" },
  deletedAt: undefined,
});
const ids = (entries: readonly SnapshotEntry[]): string[] => entries.map(({ summary }) => summary.id);

test("snapshots stand under the calendar day they were taken on, and empty groups are left out", () => {
  const all = [
    entry("now", 4),
    entry("early", 3, { createdAt: NOW - 9 * HOUR }),
    entry("last night", 2, { createdAt: NOW - 10 * HOUR }),
    entry("long ago", 1, { createdAt: NOW - 40 * DAY }),
  ];
  expect(groupSnapshots(all, NOW).map(({ name, entries }) => [name, ids(entries)])).toEqual([
    ["today", ["now", "early"]],
    ["yesterday", ["last night"]],
    ["older", ["long ago"]],
  ]);
});

test("a query finds title, excerpt, note and tags; what is in the trash is in no list", () => {
  const all = [
    entry("a", 1, { title: "Café plans", tags: ["sea"] }),
    entry("b", 2, { note: "for the lesson" }),
    entry("c", 3, { title: "Café", deleted: true }),
  ];
  expect(ids(filterSnapshots(all, "CAFE sea"))).toEqual(["a"]);
  expect(ids(filterSnapshots(all, "lesson"))).toEqual(["b"]);
  expect(ids(filterSnapshots(all, " "))).toEqual(["a", "b"]);
});

test("versions of a chat are its own only, highest number first, and neighbours skip what was deleted", () => {
  const other = entry("other", 9, { conversationId: "moons" as ConversationId });
  const [one, two, three] = [entry("one", 1), entry("two", 2, { deleted: true }), entry("three", 3)];
  const versions = versionsOf([one, other, two, three], TIDES);
  expect(ids(versions)).toEqual(["three", "one"]);
  expect(placeAmong(versions, three)).toEqual({ count: 3, previous: "one", next: undefined });
  expect(placeAmong(versions, one)).toEqual({ count: 3, previous: undefined, next: "three" });
});

test("a snapshot in the trash still knows its place", () => {
  const [one, two] = [entry("one", 1), entry("two", 2, { deleted: true })];
  expect(placeAmong(versionsOf([one, two], TIDES), two)).toEqual({ count: 2, previous: "one", next: undefined });
});

test("only the newest snapshot says that nothing changed since", () => {
  const all = [entry("new", 2, { contentId: "B" }), entry("old", 1, { contentId: "A" })];
  expect(sameAsNewest(all, TIDES, "B")?.summary.id).toBe("new");
  expect(sameAsNewest(all, TIDES, "A")).toBeUndefined();
});

test("the most used tags come first, without those of the trash", () => {
  const all = [
    entry("a", 1, { tags: ["sea", "work"] }),
    entry("b", 2, { tags: ["work"] }),
    entry("c", 3, { tags: ["gone"], deleted: true }),
  ];
  expect(knownTags(all)).toEqual(["work", "sea"]);
});

test("the trash lists what the server did not date yet first, and says how many days are left", () => {
  const gone = (id: string, daysAgo: number | undefined): SnapshotEntry => ({
    ...entry(id, 1, { deleted: true }),
    deletedAt: daysAgo === undefined ? undefined : NOW - daysAgo * DAY,
  });
  const rows = deletedSnapshots([gone("old", 20), entry("kept", 2), gone("here", undefined), gone("new", 1)], NOW);
  expect(rows.map(({ id, days }) => [id, days])).toEqual([
    ["here", 30],
    ["new", 29],
    ["old", 10],
  ]);
});
