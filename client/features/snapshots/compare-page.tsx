import type { ReactNode } from "react";
import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { Link } from "#client/ui/link.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { words } from "#client/ui/words/words.ts";
import type { SnapshotId } from "#shared/domain/ids.ts";
import { Blank } from "./blank-content.tsx";
import { LIVE } from "./compare-address-state.ts";
import type { ComparedRef } from "./compare-address-state.ts";
import { CompareView } from "./compare-view.tsx";
import { titleOf } from "./snapshot-title.ts";
import { UnknownSnapshot } from "./unknown-snapshot.tsx";
import { useFrozenContent } from "./use-frozen-content.ts";
import type { ReadContent } from "./use-frozen-content.ts";
import { useOnline } from "./use-online.ts";
import { usePageOpened } from "./use-page-opened.ts";
import { useLiveContent } from "./use-live-content.ts";
import type { LiveContent } from "./use-live-content.ts";
import "./snapshots.css";

interface ComparePageProps {
  left: SnapshotId;
  right: ComparedRef;
  leading: ReactNode;
  onNewChat: () => void;
  /** its code could not be fetched */
  onClose: () => void;
}

/** Two snapshots, or one and the chat as it is now, held against each other. */
export function ComparePage({ left, right, leading, onNewChat }: ComparePageProps) {
  const { snapshots } = useWorkspace();
  const entries = useWatched(snapshots, () => snapshots.entries());
  const loaded = useWatched(snapshots, () => snapshots.loaded());
  const find = (ref: ComparedRef): SnapshotEntry | undefined => entries.find(({ summary }) => summary.id === ref);
  const [first, second] = [find(left), find(right)];
  const heading = usePageOpened(`${snapshotWords.compare.title} · ${words.app.name}`);
  const isKnown = first !== undefined && (right === LIVE || second !== undefined);
  return (
    <>
      <header className="chat-header">
        {leading}
        <h1 className="chat-title" ref={heading} tabIndex={-1}>
          {snapshotWords.compare.title}
        </h1>
        {first && (
          <Link className="button" data-look="soft" href={`/snapshots/${left}`}>
            {snapshotWords.compare.back}
          </Link>
        )}
      </header>
      {isKnown ? (
        <div className="messages-scroller">
          {right === LIVE ? (
            <WithLive first={first} />
          ) : (
            second && <WithSnapshot key={right} first={first} second={second} />
          )}
        </div>
      ) : loaded ? (
        <UnknownSnapshot onNewChat={onNewChat} />
      ) : (
        <Blank title={snapshotWords.compare.loading} />
      )}
    </>
  );
}

const labelOf = ({ summary }: SnapshotEntry): string => `${snapshotWords.number(summary.number)}: ${titleOf(summary)}`;

function WithSnapshot({ first, second }: { first: SnapshotEntry; second: SnapshotEntry }) {
  const online = useOnline();
  const left = useFrozenContent(first.summary.id, online);
  const right = useFrozenContent(second.summary.id, online);
  if (left.read.type === "read" && right.read.type === "read") {
    return (
      <CompareView
        left={{ label: labelOf(first), content: left.read.content }}
        right={{ label: labelOf(second), content: right.read.content }}
      />
    );
  }
  const retry = (): void => {
    for (const side of [left, right]) if (side.read.type !== "read") side.again();
  };
  return <Unread sides={[left.read, right.read]} onAgain={retry} />;
}

function WithLive({ first }: { first: SnapshotEntry }) {
  const left = useFrozenContent(first.summary.id, useOnline());
  const live = useLiveContent(first.summary.conversationId);
  if (left.read.type === "read" && live.type === "read") {
    return (
      <CompareView
        left={{ label: labelOf(first), content: left.read.content }}
        right={{ label: snapshotWords.compare.live, content: live.content }}
      />
    );
  }
  if (live.type === "unfinished") return <Blank title={snapshotWords.compare.unfinished} />;
  return <Unread sides={[left.read, live]} onAgain={left.again} />;
}

function Unread({ sides, onAgain }: { sides: readonly (ReadContent | LiveContent)[]; onAgain: () => void }) {
  const isReading = sides.every(({ type }) => type === "reading" || type === "read");
  if (isReading) return <Blank title={snapshotWords.compare.loading} />;
  return <Blank title={snapshotWords.compare.missing} action={{ label: snapshotWords.missing.again, run: onAgain }} />;
}
