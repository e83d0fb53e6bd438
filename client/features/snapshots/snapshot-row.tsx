import { memo, useState } from "react";
import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { LazyMenu } from "#client/ui/lazy-menu.tsx";
import { lazyPart } from "#client/ui/lazy-part.tsx";
import { Link } from "#client/ui/link.tsx";
import { TitleField } from "#client/ui/title-field.tsx";
import { exportChoiceWords } from "#client/ui/words/export-choice-words.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { words } from "#client/ui/words/words.ts";
import { titleOf } from "./snapshot-title.ts";
import { TagsDialog } from "./tags-dialog.tsx";
import { useSnapshotActions } from "./use-snapshot-actions.ts";

const exportDialog = lazyPart(async () => (await import("./export-dialog.tsx")).ExportSnapshotDialog);

interface SnapshotRowProps {
  entry: SnapshotEntry;
  current: boolean;
  /** guests of a workspace change nothing in it */
  isGuest: boolean;
  onOpen: () => void;
}

/** One snapshot of the library: a link named by its title, its number, and its menu. */
export const SnapshotRow = memo(({ entry, current, isGuest, onOpen }: SnapshotRowProps) => {
  const [editing, setEditing] = useState<"nothing" | "title" | "tags" | "export">("nothing");
  const actions = useSnapshotActions(entry);
  const { summary, state } = entry;
  const title = titleOf(summary);
  if (editing === "title") {
    return (
      <li className="library-row">
        <TitleField
          label={words.library.title}
          title={title}
          onSave={actions.rename}
          onClose={() => setEditing("nothing")}
        />
      </li>
    );
  }
  return (
    <li className="library-row" data-current={current || undefined}>
      <Link
        href={`/snapshots/${summary.id}`}
        aria-current={current ? "page" : undefined}
        aria-describedby={`row-${summary.id}`}
        onClick={onOpen}
        dir="auto"
        title={title}
      >
        {title}
      </Link>
      <span className="library-draft" id={`row-${summary.id}`}>
        {state.type === "pending" && <span className="snapshot-mark">{snapshotWords.list.pending}</span>}
        {state.type === "refused" && <span className="snapshot-mark">{snapshotWords.list.refused}</span>}
        <span aria-hidden="true">#{summary.number}</span>
        <span className="hidden-words">{snapshotWords.number(summary.number)}</span>
      </span>
      {!isGuest && (
        <LazyMenu
          icon="more"
          label={words.library.more(title)}
          items={() => [
            { type: "action", label: snapshotWords.menu.rename, onSelect: () => setEditing("title") },
            { type: "action", label: snapshotWords.menu.tags, onSelect: () => setEditing("tags") },
            { type: "action", label: exportChoiceWords.action, onSelect: () => setEditing("export") },
            { type: "line" },
            { type: "action", label: snapshotWords.menu.delete, onSelect: actions.delete, danger: true },
          ]}
        />
      )}
      {editing === "export" && <exportDialog.Part entry={entry} onClose={() => setEditing("nothing")} />}
      {editing === "tags" && (
        <TagsDialog title={title} tags={summary.tags} onSave={actions.setTags} onClose={() => setEditing("nothing")} />
      )}
    </li>
  );
});
SnapshotRow.displayName = "SnapshotRow";
