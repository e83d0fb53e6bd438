import { useDeferredValue, useState } from "react";
import type { ReactNode, RefObject } from "react";
import { usePathname } from "wouter/use-browser-location";
import { FIRST_ROWS } from "#client/local-store/library.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button, IconButton } from "#client/ui/button.tsx";
import { Icon } from "#client/ui/icon.tsx";
import { MoreRows } from "#client/ui/more-rows.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { Link } from "#client/ui/link.tsx";
import { words } from "#client/ui/words/words.ts";
import { countArchived, countChangedInTrash, filterLibrary, firstRows, groupLibrary } from "./library-state.ts";
import { LibraryTabs, useLibraryTab } from "./library-tabs.tsx";
import { LibraryRow } from "./library-row.tsx";
import "./library.css";

/** What the list of snapshots is shown with. */
interface ListPlace {
  onOpen: () => void;
  /** nothing is searched for any more */
  onClear: () => void;
  /** its code could not be fetched */
  onClose: () => void;
}

interface LibraryPanelProps {
  currentId: string | undefined;
  /** of the team that is open; the personal workspace has none */
  workspaceName: string | undefined;
  /** guests of a workspace change nothing in it */
  isGuest: boolean;
  searchBox: RefObject<HTMLInputElement | null>;
  onNewChat: () => void;
  /** the list of snapshots that a query finds */
  renderSnapshots: (query: string, place: ListPlace) => ReactNode;
  /** a chat was chosen */
  onOpen: () => void;
  onClose: () => void;
  foot: ReactNode;
}

/** Find and arrange: the list of a person's conversations. */
export function LibraryPanel(props: LibraryPanelProps) {
  const { currentId, workspaceName, isGuest, searchBox, onNewChat, renderSnapshots, onOpen, onClose, foot } = props;
  const [query, setQuery] = useState("");
  const [archived, setArchived] = useState(false);
  const { tab, setTab } = useLibraryTab();
  const wanted = useDeferredValue(query);
  return (
    <>
      <div className="library-head">
        <span className="library-name">
          {words.app.name}
          {workspaceName && (
            <span className="library-workspace" dir="auto" title={workspaceName}>
              {workspaceName}
            </span>
          )}
        </span>
        <IconButton className="library-close" icon="close" label={words.app.closeLibrary} onClick={onClose} />
      </div>
      <Button className="library-new" icon="plus" onClick={onNewChat}>
        {words.library.newChat}
      </Button>
      <label className="library-search">
        <Icon name="search" />
        <input
          ref={searchBox}
          type="search"
          aria-label={words.library.search}
          placeholder={words.library.search}
          autoComplete="off"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          onKeyDown={(event) => event.key === "Escape" && setQuery("")}
        />
      </label>
      <LibraryTabs tab={tab} onChoose={setTab} />
      <div
        className="library-list"
        role="tabpanel"
        id="library-list"
        aria-labelledby={`tab-${tab}`}
        key={`${tab} ${archived}`}
      >
        {tab === "snapshots" ? (
          renderSnapshots(wanted, { onOpen, onClear: () => setQuery(""), onClose: () => setTab("conversations") })
        ) : (
          <LibraryList
            isGuest={isGuest}
            query={wanted}
            archived={archived}
            currentId={currentId}
            onOpen={onOpen}
            onArchived={setArchived}
            onClear={() => setQuery("")}
          />
        )}
      </div>
      <TrashLink onOpen={onOpen} />
      <div className="library-foot">{foot}</div>
    </>
  );
}

/** The way to what was deleted; says so where something of this device landed there. */
function TrashLink({ onOpen }: { onOpen: () => void }) {
  const { library } = useWorkspace();
  const current = usePathname() === "/trash";
  const changed = useWatched(library, () => countChangedInTrash(library.entries()));
  return (
    <Link className="library-trash" href="/trash" aria-current={current ? "page" : undefined} onClick={onOpen}>
      {words.library.trash}
      {changed > 0 && <span>{words.library.changedInTrash(changed)}</span>}
    </Link>
  );
}

interface LibraryListProps {
  isGuest: boolean;
  query: string;
  archived: boolean;
  currentId: string | undefined;
  onOpen: () => void;
  onArchived: (archived: boolean) => void;
  onClear: () => void;
}

function LibraryList({ isGuest, query, archived, currentId, onOpen, onArchived, onClear }: LibraryListProps) {
  const { library, clock } = useWorkspace();
  const [limit, setLimit] = useState(FIRST_ROWS);
  const entries = useWatched(library, () => library.entries());
  const loaded = useWatched(library, () => library.loaded());
  const found = filterLibrary(entries, { query, archived });
  const groups = groupLibrary(firstRows(found, limit), clock.now());
  const archivedCount = countArchived(entries);
  return (
    <>
      {archived && (
        <Button icon="left" className="library-back" onClick={() => onArchived(false)}>
          {words.library.backToChats}
        </Button>
      )}
      {groups.map((group) => (
        <section key={group.name} aria-labelledby={`group-${group.name}`}>
          <h2 id={`group-${group.name}`}>{words.library[group.name]}</h2>
          <ul>
            {group.entries.map((entry) => (
              <LibraryRow
                key={entry.id}
                entry={entry}
                current={entry.id === currentId}
                isGuest={isGuest}
                onOpen={onOpen}
              />
            ))}
          </ul>
        </section>
      ))}
      {found.length > limit && <MoreRows onSeen={() => setLimit(limit + FIRST_ROWS)} />}
      {found.length === 0 && <EmptyList loaded={loaded} query={query} archived={archived} onClear={onClear} />}
      {!archived && archivedCount > 0 && query === "" && (
        <Button className="library-archived" onClick={() => onArchived(true)}>
          {words.library.showArchived(archivedCount)}
        </Button>
      )}
    </>
  );
}

function EmptyList(props: { loaded: boolean; query: string; archived: boolean; onClear: () => void }) {
  if (!props.loaded) return <p className="library-empty">{words.library.loading}</p>;
  if (props.query.trim() === "") {
    return <p className="library-empty">{props.archived ? words.library.noArchived : words.library.empty}</p>;
  }
  return (
    <div className="library-empty">
      <p>{words.library.noMatch(props.query.trim())}</p>
      <Button look="soft" onClick={props.onClear}>
        {words.library.clearSearch}
      </Button>
    </div>
  );
}
