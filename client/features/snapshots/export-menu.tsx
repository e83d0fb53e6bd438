import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { LazyMenu } from "#client/ui/lazy-menu.tsx";
import { useToast } from "#client/ui/toast.tsx";
import { useSaving } from "#client/ui/use-saving.ts";
import { exportChoiceWords } from "#client/ui/words/export-choice-words.ts";
import { useExportChoices } from "./use-export-choices.ts";

/** The button that saves a snapshot as a file, with the forms there are. */
export function ExportMenu({ entry }: { entry: SnapshotEntry }) {
  const choices = useExportChoices(entry);
  const save = useSaving();
  const toast = useToast();
  return (
    <LazyMenu
      icon="down"
      label={exportChoiceWords.button}
      text={<span className="action-name">{exportChoiceWords.button}</span>}
      items={() =>
        choices.map((choice) => ({
          type: "action",
          label: choice.label,
          hindrance: choice.hindrance,
          onSelect: () => {
            void save(choice).then((failure) => failure !== undefined && toast({ text: failure }));
          },
        }))
      }
    />
  );
}
