import type { LibraryEntry } from "#client/local-store/library.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { displayTitle } from "#shared/domain/summary.ts";
import { daysUntilErased } from "#shared/domain/trash.ts";

/** One deleted conversation, as the trash lists it. */
export interface TrashRow {
  id: ConversationId;
  /** "" where it has none */
  title: string;
  /** this device had edits of its own when it learned of the deletion */
  changed: boolean;
  fate: TrashFate;
}

export type TrashFate =
  /** in so many days it is erased */
  | { type: "kept"; days: number }
  /** somebody here wants it erased now, and the server did not answer yet */
  | { type: "erasing" }
  /** the server has nothing of it any more: this device still has what was never there */
  | { type: "erased" };

/** What is in the trash, last deleted first. */
export function trashRows(entries: readonly LibraryEntry[], now: number): TrashRow[] {
  return entries
    .filter(({ summary }) => summary.deleted)
    .toSorted((a, b) => deletedAt(b) - deletedAt(a) || (a.id < b.id ? 1 : -1))
    .map((entry) => ({
      id: entry.id,
      title: displayTitle(entry.summary),
      changed: entry.changedAfterDeletion,
      fate: fateOf(entry, now),
    }));
}

/** Until the server has said since when, this device's own time has to do. */
const deletedAt = (entry: LibraryEntry): number => entry.deletedAt ?? entry.activityAt;

function fateOf(entry: LibraryEntry, now: number): TrashFate {
  if (entry.erased) return { type: "erased" };
  return entry.erasing ? { type: "erasing" } : { type: "kept", days: daysUntilErased(deletedAt(entry), now) };
}
