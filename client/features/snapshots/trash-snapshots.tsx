import { useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { useAnnounce } from "#client/ui/announcer.tsx";
import { Button } from "#client/ui/button.tsx";
import { Dialog } from "#client/ui/dialog.tsx";
import { Link } from "#client/ui/link.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { deletedSnapshots } from "./snapshot-list-state.ts";
import type { DeletedSnapshot } from "./snapshot-list-state.ts";
import "./snapshots.css";

/** Deleted snapshots, beside deleted chats: bring back, or erase for good. */
export function TrashSnapshots({ mayChange }: { mayChange: boolean }) {
  const { snapshots, clock } = useWorkspace();
  const announce = useAnnounce();
  const entries = useWatched(snapshots, () => snapshots.entries());
  const [asked, setAsked] = useState<DeletedSnapshot>();
  const rows = deletedSnapshots(entries, clock.now());
  const text = snapshotWords.trash;
  if (rows.length === 0) return null;
  return (
    <section className="trash-snapshots" aria-labelledby="trash-snapshots">
      <h2 id="trash-snapshots">{text.list}</h2>
      <ul aria-label={text.list}>
        {rows.map((row) => (
          <DeletedRow
            key={row.id}
            row={row}
            mayChange={mayChange}
            onRestore={() => {
              snapshots.setDeleted(row.id, false);
              announce(text.restored(nameOf(row)));
            }}
            onErase={() => setAsked(row)}
          />
        ))}
      </ul>
      {asked && (
        <Dialog title={text.eraseTitle(nameOf(asked))} about={text.eraseAbout} onClose={() => setAsked(undefined)}>
          <div className="erase-buttons">
            <Button look="soft" onClick={() => setAsked(undefined)}>
              {snapshotWords.take.cancel}
            </Button>
            <Button
              className="erase-now"
              onClick={() => {
                snapshots.erase(asked.id);
                setAsked(undefined);
              }}
            >
              {text.eraseShort}
            </Button>
          </div>
        </Dialog>
      )}
    </section>
  );
}

const nameOf = ({ title }: DeletedSnapshot): string => title || snapshotWords.untitled;

interface DeletedRowProps {
  row: DeletedSnapshot;
  mayChange: boolean;
  onRestore: () => void;
  onErase: () => void;
}

function DeletedRow({ row, mayChange, onRestore, onErase }: DeletedRowProps) {
  const text = snapshotWords.trash;
  const name = nameOf(row);
  return (
    <li className="trash-row">
      <div className="trash-text">
        <Link href={`/snapshots/${row.id}`} dir="auto" title={name}>
          {name}
        </Link>
        <p className="trash-fate">{[snapshotWords.number(row.number), text.erasedIn(row.days)].join(" · ")}</p>
      </div>
      {mayChange && (
        <div className="trash-actions">
          <Button look="soft" aria-label={text.restore(name)} onClick={onRestore}>
            {text.restoreShort}
          </Button>
          <Button aria-label={text.erase(name)} aria-haspopup="dialog" onClick={onErase}>
            {text.eraseShort}
          </Button>
        </div>
      )}
    </li>
  );
}
