import { useState } from "react";
import type { LibraryEntry } from "#client/local-store/library.ts";
import { LazyMenu } from "#client/ui/lazy-menu.tsx";
import type { MenuItem } from "#client/ui/lazy-menu.tsx";
import { lazyPart } from "#client/ui/lazy-part.tsx";
import { exportChoiceWords } from "#client/ui/words/export-choice-words.ts";
import { rowMenuWords } from "#client/ui/words/row-menu-words.ts";
import { words } from "#client/ui/words/words.ts";
import { useEntryActions } from "./use-entry-actions.ts";

const exportDialog = lazyPart(async () => (await import("./export-chat-dialog.tsx")).ExportChatDialog);

interface RowMenuProps {
  entry: LibraryEntry;
  title: string;
  onRename: () => void;
  /** its code could not be fetched */
  onClose: () => void;
}

/** What can be done with a conversation of the library. */
export function RowMenu({ entry: { id, summary }, title, onRename }: RowMenuProps) {
  const actions = useEntryActions(id, title);
  const [exporting, setExporting] = useState(false);
  const items = (): MenuItem[] => [
    { type: "action", label: words.library.rename, onSelect: onRename },
    {
      type: "action",
      label: summary.pinned ? rowMenuWords.unpin : rowMenuWords.pin,
      onSelect: () => actions.setPinned(!summary.pinned),
    },
    summary.archived
      ? { type: "action", label: rowMenuWords.unarchive, onSelect: actions.unarchive }
      : { type: "action", label: rowMenuWords.archive, onSelect: actions.archive },
    ...(summary.messageCount > 0
      ? [{ type: "action", label: exportChoiceWords.action, onSelect: () => setExporting(true) } as const]
      : []),
    { type: "line" },
    { type: "action", label: rowMenuWords.delete, onSelect: actions.delete, danger: true },
  ];
  return (
    <>
      <LazyMenu icon="more" label={words.library.more(title)} items={items} startsOpen />
      {exporting && <exportDialog.Part id={id} onClose={() => setExporting(false)} />}
    </>
  );
}
