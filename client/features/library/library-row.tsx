import { Link } from "#client/ui/link.tsx";
import { memo, useState } from "react";
import type { LibraryEntry } from "#client/local-store/library.ts";
import { lazyPart } from "#client/ui/lazy-part.tsx";
import { MenuButton } from "#client/ui/menu-button.tsx";
import { words } from "#client/ui/words/words.ts";
import { displayTitle } from "#shared/domain/summary.ts";

const rowTitle = lazyPart(async () => (await import("./row-title.tsx")).RowTitle);
const rowMenu = lazyPart(async () => {
  const [{ RowMenu }] = await Promise.all([import("./row-menu.tsx"), import("#client/ui/menu.tsx")]);
  return RowMenu;
});
const preload = (): void => {
  rowMenu.preload();
  rowTitle.preload();
};

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
  if (renaming) {
    return (
      <li className="library-row">
        <rowTitle.Part
          id={id}
          title={title}
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
      {!isGuest && (
        <MenuButton icon="more" label={words.library.more(title)} onNear={preload}>
          {(place) => <rowMenu.Part entry={entry} title={title} onRename={() => setRenaming(true)} {...place} />}
        </MenuButton>
      )}
    </li>
  );
});
LibraryRow.displayName = "LibraryRow";
