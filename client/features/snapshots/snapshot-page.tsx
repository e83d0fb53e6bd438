import { useRef, useState } from "react";
import type { ReactNode } from "react";
import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { lazyPart } from "#client/ui/lazy-part.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { words } from "#client/ui/words/words.ts";
import type { SnapshotId } from "#shared/domain/ids.ts";
import { Blank } from "./blank-content.tsx";
import type { RunDetails } from "./frozen-messages.tsx";
import { SnapshotContent } from "./snapshot-content.tsx";
import { SnapshotHead } from "./snapshot-head.tsx";
import { SnapshotLabelFields } from "./snapshot-labels.tsx";
import { placeAmong, versionsOf } from "./snapshot-list-state.ts";
import { SnapshotPlace } from "./snapshot-place.tsx";
import { SnapshotStateLine } from "./snapshot-state-line.tsx";
import { titleOf } from "./snapshot-title.ts";
import { UnknownSnapshot } from "./unknown-snapshot.tsx";
import { usePageOpened } from "./use-page-opened.ts";
import { useRerunNotes } from "./use-rerun-notes.ts";
import { VersionsDialog } from "./versions-dialog.tsx";
import "./snapshots.css";

const notice = lazyPart(async () => (await import("./rerun-notice.tsx")).RerunNotice);
const rerunDialog = lazyPart(async () => (await import("./rerun-dialog.tsx")).RerunDialog);

interface SnapshotPageProps {
  id: SnapshotId;
  leading: ReactNode;
  /** guests of a workspace change nothing in it */
  isGuest: boolean;
  Details: RunDetails;
  onNewChat: () => void;
}

/** One snapshot: what it is called, where it comes from, and all that was frozen. */
export function SnapshotPage({ id, leading, isGuest, Details, onNewChat }: SnapshotPageProps) {
  const { snapshots } = useWorkspace();
  const entry = useWatched(snapshots, () => snapshots.entries().find(({ summary }) => summary.id === id));
  const loaded = useWatched(snapshots, () => snapshots.loaded());
  if (entry) return <OpenedSnapshot key={id} entry={entry} leading={leading} mayChange={!isGuest} Details={Details} />;
  return (
    <>
      <div className="chat-header">{leading}</div>
      {loaded ? <UnknownSnapshot onNewChat={onNewChat} /> : <Blank title={snapshotWords.missing.loading} />}
    </>
  );
}

interface OpenedSnapshotProps {
  entry: SnapshotEntry;
  leading: ReactNode;
  mayChange: boolean;
  Details: RunDetails;
}

function OpenedSnapshot({ entry, leading, mayChange, Details }: OpenedSnapshotProps) {
  const { snapshots, me } = useWorkspace();
  const scroller = useRef<HTMLDivElement>(null);
  const [versions, setVersions] = useState(false);
  const [rerunning, setRerunning] = useState(false);
  const reruns = useRerunNotes(entry.summary.id);
  const { summary } = entry;
  const title = titleOf(summary);
  const entries = useWatched(snapshots, () => snapshots.entries());
  const place = placeAmong(versionsOf(entries, summary.conversationId), entry);
  const heading = usePageOpened(me.sharedDevice ? words.app.name : `${title} · ${words.app.name}`);
  return (
    <>
      <SnapshotHead
        entry={entry}
        place={place}
        leading={leading}
        mayChange={mayChange}
        heading={heading}
        onVersions={() => setVersions(true)}
        onRerun={() => setRerunning(true)}
      />
      <div className="messages-scroller" ref={scroller}>
        <div className="snapshot-about">
          <SnapshotPlace entry={entry} place={place} onVersions={() => setVersions(true)} />
          <SnapshotStateLine entry={entry} mayChange={mayChange} />
          {mayChange &&
            reruns.notes.map((note) => (
              <notice.Part
                key={note.snapshotId}
                note={note}
                onDone={() => reruns.remove(note)}
                onClose={() => undefined}
              />
            ))}
          <SnapshotLabelFields entry={entry} mayChange={mayChange} />
        </div>
        <SnapshotContent entry={entry} scroller={scroller} Details={Details} />
      </div>
      {rerunning && <rerunDialog.Part entry={entry} onAsked={reruns.add} onClose={() => setRerunning(false)} />}
      {versions && (
        <VersionsDialog
          conversationId={summary.conversationId}
          current={summary.id}
          onClose={() => setVersions(false)}
        />
      )}
    </>
  );
}
