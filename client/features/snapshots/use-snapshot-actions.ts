import { useMemo } from "react";
import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { useToast } from "#client/ui/toast.tsx";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { deleteSnapshot } from "./delete-snapshot.ts";
import { titleOf } from "./snapshot-title.ts";

/** What can be done with a snapshot from its row and its page. Deleting can be undone from a toast. */
export function useSnapshotActions(entry: SnapshotEntry) {
  const { id } = entry.summary;
  const { snapshots } = useWorkspace();
  const toast = useToast();
  return useMemo(
    () => ({
      rename: (next: string) => snapshots.setLabels(id, { title: next }),
      setTags: (tags: string[]) => snapshots.setLabels(id, { tags }),
      setNote: (note: string) => snapshots.setLabels(id, { note }),
      delete() {
        const text = snapshotWords.menu.deleted(titleOf(entry.summary));
        void deleteSnapshot(snapshots, entry).then((run) =>
          toast({ text, ...(run && { action: { label: snapshotWords.menu.undo, run } }) }),
        );
      },
    }),
    [snapshots, toast, id, entry],
  );
}
