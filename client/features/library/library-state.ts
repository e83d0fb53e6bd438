import type { LibraryEntry } from "#client/local-store/library.ts";
import { displayTitle } from "#shared/domain/summary.ts";

export type GroupName = "pinned" | "today" | "yesterday" | "week" | "older";

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

const folded = (text: string): string => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** The entries a filter lets through, in their order. Every word must be in the title or the excerpt. */
export function filterLibrary(entries: readonly LibraryEntry[], filter: LibraryFilter): LibraryEntry[] {
  const needles = folded(filter.query).split(/\s+/u).filter(Boolean);
  return entries.filter((entry) => {
    if (!isShown(entry, filter.archived)) return false;
    const text = needles.length > 0 ? folded(`${entry.summary.title} ${entry.summary.excerpt}`) : "";
    return needles.every((needle) => text.includes(needle));
  });
}

/** The first rows of a list, in which pinned chats stand above all others however long ago they were used. */
export function firstRows(entries: readonly LibraryEntry[], limit: number): LibraryEntry[] {
  const pinned = entries.filter(({ summary }) => summary.pinned);
  const others = entries.filter(({ summary }) => !summary.pinned);
  return [...pinned, ...others].slice(0, limit);
}

/** Midnight of the day `days` before that of `now`, by the device's time zone. */
function dayStart(now: number, days: number): number {
  const date = new Date(now);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() - days).getTime();
}

/**
 * Entries under the headings a person reads, without the empty ones. `entries` are last active first and stay so.
 * @param now ms since 1970
 */
export function groupLibrary(entries: readonly LibraryEntry[], now: number): LibraryGroup[] {
  const [today, yesterday, week] = [dayStart(now, 0), dayStart(now, 1), dayStart(now, 7)];
  const nameOf = ({ summary, activityAt }: LibraryEntry): GroupName => {
    if (summary.pinned) return "pinned";
    if (activityAt >= today) return "today";
    if (activityAt >= yesterday) return "yesterday";
    return activityAt >= week ? "week" : "older";
  };
  const groups = new Map<GroupName, LibraryEntry[]>();
  for (const entry of entries) {
    const name = nameOf(entry);
    const group = groups.get(name);
    if (group) group.push(entry);
    else groups.set(name, [entry]);
  }
  const order: GroupName[] = ["pinned", "today", "yesterday", "week", "older"];
  return order.flatMap((name) => {
    const group = groups.get(name);
    return group ? [{ name, entries: group }] : [];
  });
}
