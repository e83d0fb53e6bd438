import { Link } from "#client/ui/link.tsx";
import { memo, useState } from "react";
import type { LibraryEntry } from "#client/local-store/library.ts";
import { LazyMenu } from "#client/ui/lazy-menu.tsx";
import type { MenuItem } from "#client/ui/lazy-menu.tsx";
import { lazyPart } from "#client/ui/lazy-part.tsx";
import { words } from "#client/ui/words/words.ts";
import { displayTitle } from "#shared/domain/summary.ts";
import { useEntryActions } from "./use-entry-actions.ts";

const titleField = lazyPart(async () => (await import("#client/ui/title-field.tsx")).TitleField);

interface LibraryRowProps {
  entry: LibraryEntry;
  current: boolean;
  /** of the workspace */
  isGuest: boolean;
  onOpen: () => void;
}

/** One conversation of the library: a link named by its title, and its menu. */
export const LibraryRow = memo(({ entry, current, isGuest, onOpen }: LibraryRowProps) => {
  const [renaming, setRenaming] = useState(false);
  const { id, summary } = entry;
  const title = displayTitle(summary) || words.library.untitled;
  const actions = useEntryActions(id, title);
  const items = (): MenuItem[] => [
    { type: "action", label: words.library.rename, onSelect: () => setRenaming(true) },
    {
      type: "action",
      label: summary.pinned ? words.library.unpin : words.library.pin,
      onSelect: () => actions.setPinned(!summary.pinned),
    },
    summary.archived
      ? { type: "action", label: words.library.unarchive, onSelect: actions.unarchive }
      : { type: "action", label: words.library.archive, onSelect: actions.archive },
    { type: "line" },
    { type: "action", label: words.library.delete, onSelect: actions.delete, danger: true },
  ];
  if (renaming) {
    return (
      <li className="library-row">
        <titleField.Part
          label={words.library.title}
          title={title}
          onSave={actions.rename}
          onClose={() => setRenaming(false)}
          meanwhile={<span className="title-field">{title}</span>}
        />
      </li>
    );
  }
  return (
    <li className="library-row" data-current={current || undefined}>
      <Link href={`/c/${id}`} aria-current={current ? "page" : undefined} onClick={onOpen} dir="auto" title={title}>
        {title}
      </Link>
      {summary.messageCount === 0 && <span className="library-draft">{words.library.draft}</span>}
      {/* A guest of the workspace changes nothing in it, not even what they wrote as a member. */}
      {!isGuest && <LazyMenu icon="more" label={words.library.more(title)} items={items} onOpen={titleField.preload} />}
    </li>
  );
});
LibraryRow.displayName = "LibraryRow";
