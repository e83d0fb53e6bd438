import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { dayGroups, inGroups } from "#client/ui/day-group-state.ts";
import type { DayGroup } from "#client/ui/day-group-state.ts";
import { matcherOf } from "#client/ui/matcher-state.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { displayTitle } from "#shared/domain/summary.ts";
import { daysUntilErased } from "#shared/domain/trash.ts";

const GROUPS: readonly DayGroup[] = ["today", "yesterday", "week", "older"];

/** The snapshots a query lets through, in their order: every word must be in title, excerpt, note or a tag. */
export function filterSnapshots(entries: readonly SnapshotEntry[], query: string): SnapshotEntry[] {
  const matches = matcherOf(query);
  return entries.filter(
    ({ summary }) =>
      !summary.deleted && matches(() => [summary.title, summary.excerpt, summary.note, ...summary.tags].join(" ")),
  );
}

/** Snapshots under the headings a person reads. `entries` are newest first and stay so. */
export function groupSnapshots(entries: readonly SnapshotEntry[], now: number) {
  const groupOf = dayGroups(now);
  return inGroups(entries, GROUPS, ({ summary }) => groupOf(summary.createdAt));
}

/** What can be read of one conversation, highest number first. */
export const versionsOf = (entries: readonly SnapshotEntry[], id: ConversationId): SnapshotEntry[] =>
  entries
    .filter(({ summary }) => summary.conversationId === id && !summary.deleted)
    .toSorted((a, b) => b.summary.number - a.summary.number || (a.summary.id < b.summary.id ? 1 : -1));

/** Where a snapshot stands among those of its conversation. */
export interface VersionPlace {
  /** the highest number there is */
  count: number;
  previous: SnapshotId | undefined;
  next: SnapshotId | undefined;
}

/** Of a snapshot that is not among `versions` (it is in the trash), the place it would have. */
export function placeAmong(versions: readonly SnapshotEntry[], { summary }: SnapshotEntry): VersionPlace {
  const older = versions.find((one) => one.summary.number < summary.number);
  const newer = versions.findLast((one) => one.summary.number > summary.number);
  return {
    count: Math.max(summary.number, versions[0]?.summary.number ?? 0),
    previous: older?.summary.id,
    next: newer?.summary.id,
  };
}

/** All tags in use, the most used first. */
export function knownTags(entries: readonly SnapshotEntry[]): string[] {
  const counts = new Map<string, number>();
  for (const { summary } of entries)
    if (!summary.deleted) for (const tag of summary.tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts].toSorted(([a, many], [b, more]) => more - many || (a < b ? -1 : 1)).map(([tag]) => tag);
}

/** One deleted snapshot, as the trash lists it. */
export interface DeletedSnapshot {
  id: SnapshotId;
  title: string;
  number: number;
  /** in so many days it is erased */
  days: number;
}

/** What is in the trash, last deleted first; what the server did not date yet above that. */
export function deletedSnapshots(entries: readonly SnapshotEntry[], now: number): DeletedSnapshot[] {
  return entries
    .filter(({ summary }) => summary.deleted)
    .toSorted((a, b) => (b.deletedAt ?? Infinity) - (a.deletedAt ?? Infinity) || 0)
    .map(({ summary, deletedAt }) => ({
      id: summary.id,
      title: displayTitle(summary),
      number: summary.number,
      // Until the server has said since when, this device's own time has to do.
      days: daysUntilErased(deletedAt ?? now, now),
    }));
}
