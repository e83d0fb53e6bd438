import { useEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import { navigate } from "wouter/use-browser-location";
import { useWorkspace } from "#client/session/workspace.ts";
import { useAnnounce } from "#client/ui/announcer.tsx";
import { Button } from "#client/ui/button.tsx";
import { useToast } from "#client/ui/toast.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { trashWords } from "#client/ui/words/trash-words.ts";
import { words } from "#client/ui/words/words.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { TRASH_DAYS } from "#shared/domain/trash.ts";
import { EraseDialog } from "./erase-dialog.tsx";
import { ErasedChat } from "./erased-chat.tsx";
import { recoverChat } from "./recover-chat.ts";
import { restoreChat } from "./restore-chat.ts";
import { TrashItem } from "./trash-item.tsx";
import { trashRows } from "./trash-state.ts";
import type { TrashRow } from "./trash-state.ts";
import { useFocusNearby } from "./use-focus-nearby.ts";
import "./trash.css";

/** What is asked about before it is erased: one row, or all. */
type Asked = { type: "one"; row: TrashRow } | { type: "all" };

interface TrashPageProps {
  leading: ReactNode;
  /** guests of a workspace change nothing in it */
  isGuest: boolean;
  /** a chat that was erased on the server; absent for the whole trash */
  erased?: ConversationId;
  snapshots: DeletedSnapshots;
}

/** What else is in the trash. */
interface DeletedSnapshots {
  count: number;
  list: ReactNode;
  eraseAll: () => void;
}

/** What was deleted: all of it, or one chat that was erased and of which this device still holds something. */
export function TrashPage({ leading, isGuest, erased, snapshots }: TrashPageProps) {
  return erased === undefined ? (
    <TrashList leading={leading} mayChange={!isGuest} snapshots={snapshots} />
  ) : (
    <ErasedChat id={erased} leading={leading} />
  );
}

interface TrashListProps {
  leading: ReactNode;
  mayChange: boolean;
  snapshots: DeletedSnapshots;
}

/** Deleted conversations and snapshots: bring back, or erase for good. */
function TrashList({ leading, mayChange, snapshots }: TrashListProps) {
  const { library, sync, clock } = useWorkspace();
  const entries = useWatched(library, () => library.entries());
  const loaded = useWatched(library, () => library.loaded());
  const online = useWatched(sync, () => sync.online());
  const rows = trashRows(entries, clock.now());
  const [asked, setAsked] = useState<Asked>();
  const { restore, recover, erase } = useTrashActions();
  const heading = useRef<HTMLHeadingElement>(null);
  const list = useRef<HTMLUListElement>(null);
  useFocusNearby(heading, list);
  useEffect(() => {
    document.title = `${trashWords.title} · ${words.app.name}`;
    heading.current?.focus();
    fetchErasing();
  }, []);
  return (
    <>
      <header className="chat-header">
        {leading}
        <h1 className="chat-title" ref={heading} tabIndex={-1}>
          {trashWords.title}
        </h1>
        {mayChange && rows.length + snapshots.count > 0 && (
          <Button aria-haspopup="dialog" onClick={() => setAsked({ type: "all" })}>
            {trashWords.emptyTrash}
          </Button>
        )}
      </header>
      {rows.length + snapshots.count === 0 ? (
        <EmptyTrash loaded={loaded} />
      ) : (
        <div className="trash">
          <p className="trash-about">{trashWords.about(TRASH_DAYS)}</p>
          <ul aria-label={trashWords.list} ref={list} hidden={rows.length === 0}>
            {rows.map((row) => (
              <TrashItem
                key={row.id}
                row={row}
                online={online}
                mayChange={mayChange}
                onRestore={() => void restore(row)}
                onRecover={() => void recover(row)}
                onErase={() => setAsked({ type: "one", row })}
              />
            ))}
          </ul>
          {snapshots.list}
        </div>
      )}
      {asked && (
        <EraseDialog
          {...askedWords(asked, rows, snapshots.count)}
          onErase={() => {
            erase(asked.type === "all" ? rows : [asked.row]);
            if (asked.type === "all") snapshots.eraseAll();
          }}
          onClose={() => setAsked(undefined)}
        />
      )}
    </>
  );
}

/** What carries out an erasure is loaded when there is one, and then there may be no network. */
function fetchErasing(): void {
  const parts = [import("#client/sync/erasures.ts"), import("#client/local-store/erased-records.ts")];
  Promise.all(parts).catch(() => undefined);
}

function EmptyTrash({ loaded }: { loaded: boolean }) {
  return (
    <div className="blank">
      <h2>{loaded ? trashWords.emptyTitle : words.library.loading}</h2>
      {loaded && <p>{trashWords.empty}</p>}
    </div>
  );
}

const nameOf = ({ title }: TrashRow): string => title || words.library.untitled;

function useTrashActions() {
  const workspace = useWorkspace();
  const { documents, library, clock } = workspace;
  const toast = useToast();
  const announce = useAnnounce();
  return {
    async restore(row: TrashRow): Promise<void> {
      if (await restoreChat(documents, clock, row.id)) announce(trashWords.restored(nameOf(row)));
      else toast({ text: trashWords.cannotRestore });
    },
    async recover(row: TrashRow): Promise<void> {
      const id = await recoverChat(workspace, row.id);
      if (id === undefined) return toast({ text: trashWords.cannotRecover });
      announce(trashWords.recovered(nameOf(row)));
      navigate(`/c/${id}`);
    },
    erase(rows: readonly TrashRow[]): void {
      for (const { id, fate } of rows) {
        if (fate.type === "erased") void library.forget(id);
        else library.setErasing(id, true);
      }
    },
  };
}

function askedWords(asked: Asked, rows: readonly TrashRow[], snapshots: number) {
  if (asked.type === "all") {
    const about = [
      trashWords.emptyAbout(rows.length, snapshots),
      ...(rows.some(isChanged) ? [trashWords.eraseChanged] : []),
    ];
    return { title: trashWords.emptyAsk, about: about.join(" "), action: trashWords.eraseAll };
  }
  const { row } = asked;
  const title = trashWords.eraseTitle(nameOf(row));
  const everywhere = [trashWords.eraseAbout, ...(row.changed ? [trashWords.eraseChanged] : [])].join(" ");
  const about = row.fate.type === "erased" ? trashWords.eraseHere : everywhere;
  return { title, about, action: trashWords.eraseShort };
}

const isChanged = ({ changed }: TrashRow): boolean => changed;
