import { saveFile } from "#client/platform/save-file.ts";
import type { LibraryEntry } from "#client/local-store/library.ts";
import type { ExportFormat } from "#client/session/export-one.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { FileDialog } from "#client/ui/file-dialog.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { exportChoiceWords } from "#client/ui/words/export-choice-words.ts";
import { words } from "#client/ui/words/words.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { displayTitle } from "#shared/domain/summary.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";

const FORMATS = ["markdown", "json", "html"] as const satisfies readonly ExportFormat[];

interface ExportChatDialogProps {
  id: ConversationId;
  onClose: () => void;
}

/** Asks in which form a chat is to be saved. All of them are made on this device. */
export function ExportChatDialog({ id, onClose }: ExportChatDialogProps) {
  const { documents, clock, library } = useWorkspace();
  const title = useWatched(library, () => titleOf(library.entries().find((entry) => entry.id === id)));
  const save = async (format: ExportFormat): Promise<Result<string>> => {
    const [{ makeConversationFile }, { exportWords }] = await Promise.all([
      import("#client/session/export-one.ts"),
      import("#client/ui/words/export-words.ts"),
    ]);
    const made = await makeConversationFile(documents, { id, format, words: exportWords, now: clock.now() });
    if (!made.ok) return err(exportChoiceWords.failures[made.failure]);
    saveFile(made.value.name, made.value.content);
    return ok(made.value.name);
  };
  const choices = FORMATS.map((format) => ({
    ...exportChoiceWords.formats[format],
    hindrance: undefined,
    save: () => save(format),
  }));
  return <FileDialog title={exportChoiceWords.title(title)} choices={choices} onClose={onClose} />;
}

const titleOf = (entry: LibraryEntry | undefined): string =>
  (entry && displayTitle(entry.summary)) || words.library.untitled;
