import type { ConversationId } from "#shared/domain/ids.ts";
import type { SummaryRecord, TrashMarks } from "./local-store.ts";

/** Marks that were changed here, and that the store may not tell yet. */
export interface UnconfirmedMarks {
  /** Notes what changed from one record to the next; `undefined` where no mark did. */
  note(before: SummaryRecord | undefined, after: SummaryRecord): MarkChange | undefined;
  /** To call before the store is read: answers how to lay over what is read what is newer here. */
  beginRead(): (stored: SummaryRecord) => SummaryRecord;
}

export interface MarkChange {
  marks: TrashMarks;
  /** To call when it is stored: a read that begins after that tells it, or what came later. */
  confirm(): void;
}

const MARKS = ["changedAfterDeletion", "erasing"] as const;

export function openUnconfirmedMarks(): UnconfirmedMarks {
  const changes = new Map<ConversationId, MarkChange>();
  const confirmed = new WeakSet<MarkChange>();

  return {
    note(before, after) {
      const changed = MARKS.filter((name) => (before?.[name] === true) !== (after[name] === true));
      if (changed.length === 0) return undefined;
      const marks = Object.fromEntries(changed.map((name) => [name, after[name]]));
      const change: MarkChange = {
        marks: { ...changes.get(after.id)?.marks, ...marks },
        confirm: () => void confirmed.add(change),
      };
      changes.set(after.id, change);
      return change;
    },
    beginRead() {
      const told = new Set([...changes.values()].filter((change) => confirmed.has(change)));
      return (stored) => {
        const change = changes.get(stored.id);
        if (change === undefined) return stored;
        if (!told.has(change)) return { ...stored, ...change.marks };
        changes.delete(stored.id);
        return stored;
      };
    },
  };
}
