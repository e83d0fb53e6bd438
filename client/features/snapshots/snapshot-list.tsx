import { useDeferredValue, useMemo, useState } from "react";
import { FIRST_ROWS } from "#client/local-store/library.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { Link } from "#client/ui/link.tsx";
import { MoreRows } from "#client/ui/more-rows.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { words } from "#client/ui/words/words.ts";
import { filterSnapshots, groupSnapshots } from "./snapshot-list-state.ts";
import { SnapshotRow } from "./snapshot-row.tsx";
import "./snapshots.css";

interface SnapshotListProps {
  query: string;
  currentId: string | undefined;
  /** guests of a workspace change nothing in it */
  isGuest: boolean;
  /** a snapshot was chosen */
  onOpen: () => void;
  onClear: () => void;
  /** its code could not be fetched */
  onClose: () => void;
}

/** A person's snapshots, newest first, under the days they were taken on. */
export function SnapshotList({ query, currentId, isGuest, onOpen, onClear }: SnapshotListProps) {
  const { snapshots, clock } = useWorkspace();
  const [limit, setLimit] = useState(FIRST_ROWS);
  const entries = useWatched(snapshots, () => snapshots.entries());
  const loaded = useWatched(snapshots, () => snapshots.loaded());
  const wanted = useDeferredValue(query);
  const found = useMemo(() => filterSnapshots(entries, wanted), [entries, wanted]);
  const groups = groupSnapshots(found.slice(0, limit), clock.now());
  return (
    <>
      {groups.map((group) => (
        <section key={group.name} aria-labelledby={`snapshots-${group.name}`}>
          <h2 id={`snapshots-${group.name}`}>{snapshotWords.list[group.name]}</h2>
          <ul>
            {group.entries.map((entry) => (
              <SnapshotRow
                key={entry.summary.id}
                entry={entry}
                current={entry.summary.id === currentId}
                isGuest={isGuest}
                onOpen={onOpen}
              />
            ))}
          </ul>
        </section>
      ))}
      {found.length > limit && <MoreRows onSeen={() => setLimit(limit + FIRST_ROWS)} />}
      {found.length === 0 && <EmptyList loaded={loaded} query={wanted} onOpen={onOpen} onClear={onClear} />}
    </>
  );
}

type EmptyListProps = Pick<SnapshotListProps, "query" | "onOpen" | "onClear"> & { loaded: boolean };

function EmptyList({ loaded, query, onOpen, onClear }: EmptyListProps) {
  const text = snapshotWords.list;
  if (!loaded) return <p className="library-empty">{text.loading}</p>;
  if (query.trim() === "") {
    return (
      <div className="library-empty">
        <p>{text.empty}</p>
        <p>{text.emptyNext}</p>
        <Link href="/verify" onClick={onOpen}>
          {text.verify}
        </Link>
      </div>
    );
  }
  return (
    <div className="library-empty">
      <p>{text.noMatch(query.trim())}</p>
      <Button look="soft" onClick={onClear}>
        {words.library.clearSearch}
      </Button>
    </div>
  );
}
