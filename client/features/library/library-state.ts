import type { LibraryEntry } from "#client/local-store/library.ts";
import { dayGroups, inGroups } from "#client/ui/day-group-state.ts";
import { matcherOf } from "#client/ui/matcher-state.ts";
import { displayTitle } from "#shared/domain/summary.ts";

const GROUPS = ["pinned", "today", "yesterday", "week", "older"] as const;
type GroupName = (typeof GROUPS)[number];

export interface LibraryGroup {
  name: GroupName;
  entries: LibraryEntry[];
}

export interface LibraryFilter {
  query: string;
  archived: boolean;
}

/** A chat nobody wrote anything in yet is no entry of its own. */
const isBlank = ({ summary }: LibraryEntry): boolean => summary.messageCount === 0 && displayTitle(summary) === "";

const isShown = (entry: LibraryEntry, archived: boolean): boolean =>
  !entry.summary.deleted && entry.summary.archived === archived && !isBlank(entry);

/** How many chats the archive holds. */
export const countArchived = (entries: readonly LibraryEntry[]): number =>
  entries.filter((entry) => isShown(entry, true)).length;

/** How many deleted chats were changed on this device without knowing of it. */
export const countChangedInTrash = (entries: readonly LibraryEntry[]): number =>
  entries.filter(({ summary, changedAfterDeletion }) => changedAfterDeletion && summary.deleted).length;

/** The entries a filter lets through, in their order. Every word must be in the title or the excerpt. */
export function filterLibrary(entries: readonly LibraryEntry[], filter: LibraryFilter): LibraryEntry[] {
  const matches = matcherOf(filter.query);
  return entries.filter((entry) => {
    if (!isShown(entry, filter.archived)) return false;
    return matches(() => `${entry.summary.title} ${entry.summary.excerpt}`);
  });
}

/** The first rows of a list, in which pinned chats stand above all others however long ago they were used. */
export function firstRows(entries: readonly LibraryEntry[], limit: number): LibraryEntry[] {
  const pinned = entries.filter(({ summary }) => summary.pinned);
  const others = entries.filter(({ summary }) => !summary.pinned);
  return [...pinned, ...others].slice(0, limit);
}

/**
 * Entries under the headings a person reads, without the empty ones. `entries` are last active first and stay so.
 * @param now ms since 1970
 */
export function groupLibrary(entries: readonly LibraryEntry[], now: number): LibraryGroup[] {
  const groupOf = dayGroups(now);
  return inGroups(entries, GROUPS, ({ summary, activityAt }) => (summary.pinned ? "pinned" : groupOf(activityAt)));
}
