import { useMemo } from "react";
import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { useToast } from "#client/ui/toast.tsx";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { titleOf } from "./snapshot-title.ts";

/** What can be done with a snapshot from its row and its page. Deleting can be undone from a toast. */
export function useSnapshotActions({ summary: { id, title, excerpt } }: SnapshotEntry) {
  const { snapshots } = useWorkspace();
  const toast = useToast();
  return useMemo(
    () => ({
      rename: (next: string) => snapshots.setLabels(id, { title: next }),
      setTags: (tags: string[]) => snapshots.setLabels(id, { tags }),
      setNote: (note: string) => snapshots.setLabels(id, { note }),
      delete() {
        snapshots.setDeleted(id, true);
        toast({
          text: snapshotWords.menu.deleted(titleOf({ title, excerpt })),
          action: { label: snapshotWords.menu.undo, run: () => snapshots.setDeleted(id, false) },
        });
      },
    }),
    [snapshots, toast, id, title, excerpt],
  );
}
