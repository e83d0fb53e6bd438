import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { FileDialog } from "#client/ui/file-dialog.tsx";
import { exportChoiceWords } from "#client/ui/words/export-choice-words.ts";
import { titleOf } from "./snapshot-title.ts";
import { useExportChoices } from "./use-export-choices.ts";

/** Asks in which form a snapshot is to be saved. */
export function ExportSnapshotDialog({ entry, onClose }: { entry: SnapshotEntry; onClose: () => void }) {
  const choices = useExportChoices(entry);
  return <FileDialog title={exportChoiceWords.title(titleOf(entry.summary))} choices={choices} onClose={onClose} />;
}
