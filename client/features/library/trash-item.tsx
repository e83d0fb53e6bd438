import { Link } from "#client/ui/link.tsx";
import { Button } from "#client/ui/button.tsx";
import { trashWords } from "#client/ui/words/trash-words.ts";
import { words } from "#client/ui/words/words.ts";
import type { TrashFate, TrashRow } from "./trash-state.ts";

interface TrashItemProps {
  row: TrashRow;
  online: boolean;
  /** whether anything can be done about it: not by a guest of the workspace */
  mayChange: boolean;
  onRestore: () => void;
  onRecover: () => void;
  onErase: () => void;
}

/** One deleted conversation: what becomes of it, and what can be done about that. */
export function TrashItem({ row, online, mayChange, onRestore, onRecover, onErase }: TrashItemProps) {
  const { id, changed, fate } = row;
  const title = row.title || words.library.untitled;
  return (
    <li className="trash-row">
      <div className="trash-text">
        <Link href={`/c/${id}`} dir="auto" title={title}>
          {title}
        </Link>
        <p className="trash-fate">
          {fateWords(fate, online)}
          {changed && <span className="trash-mark">{trashWords.changed}</span>}
        </p>
        {changed && (
          <p className="trash-why">{fate.type === "erased" ? trashWords.changedErased : trashWords.changedAbout}</p>
        )}
      </div>
      {mayChange && (
        <div className="trash-actions">
          {fate.type === "erased" ? (
            <Button look="soft" aria-label={trashWords.recoverOf(title)} onClick={onRecover}>
              {trashWords.recover}
            </Button>
          ) : (
            <Button look="soft" aria-label={trashWords.restore(title)} onClick={onRestore}>
              {trashWords.restoreShort}
            </Button>
          )}
          {fate.type !== "erasing" && (
            <Button aria-label={trashWords.erase(title)} aria-haspopup="dialog" onClick={onErase}>
              {trashWords.eraseShort}
            </Button>
          )}
        </div>
      )}
    </li>
  );
}

function fateWords(fate: TrashFate, online: boolean): string {
  switch (fate.type) {
    case "kept":
      return trashWords.erasedIn(fate.days);
    case "erasing":
      return online ? trashWords.erasing : trashWords.erasingLater;
    case "erased":
      return trashWords.erasedElsewhere;
  }
}
