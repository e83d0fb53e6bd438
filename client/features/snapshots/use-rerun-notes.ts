import { useMemo, useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import type { SnapshotId } from "#shared/domain/ids.ts";
import { openRerunNotes } from "./rerun-notes.ts";
import type { RerunNote } from "./rerun-notes.ts";

interface RerunNotes {
  notes: readonly RerunNote[];
  add: (note: RerunNote) => void;
  remove: (note: RerunNote) => void;
}

/** What was asked anew of a snapshot, and is still told of on its page. */
export function useRerunNotes(id: SnapshotId): RerunNotes {
  const { smallStorage, me } = useWorkspace();
  const kept = useMemo(() => openRerunNotes(smallStorage, me), [smallStorage, me]);
  const [notes, setNotes] = useState(() => kept.of(id));
  return {
    notes,
    add(note) {
      kept.add(note);
      setNotes(kept.of(id));
    },
    remove(note) {
      kept.remove(note.snapshotId);
      setNotes(kept.of(id));
    },
  };
}
