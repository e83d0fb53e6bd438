import { useId, useState } from "react";
import { navigate } from "wouter/use-browser-location";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { Dialog } from "#client/ui/dialog.tsx";
import { Link } from "#client/ui/link.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { formatDateTime } from "#client/ui/words/format-date.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { LIVE, compareAddress, withChosen } from "./compare-address-state.ts";
import type { ComparedRef } from "./compare-address-state.ts";
import { versionsOf } from "./snapshot-list-state.ts";
import { titleOf } from "./snapshot-title.ts";
import { useModelNames } from "./use-model-names.ts";
import "#client/ui/form.css";
import "./snapshots.css";

interface VersionsDialogProps {
  conversationId: ConversationId;
  /** the one that is shown behind the dialog */
  current?: SnapshotId;
  onClose: () => void;
}

/** All snapshots of one conversation, highest number first: to open one, or compare two. */
export function VersionsDialog({ conversationId, current, onClose }: VersionsDialogProps) {
  const { snapshots } = useWorkspace();
  const entries = useWatched(snapshots, () => snapshots.entries());
  const versions = versionsOf(entries, conversationId);
  const [chosen, setChosen] = useState<readonly ComparedRef[]>([]);
  const address = compareAddress(chosen, versions);
  const text = snapshotWords.versions;
  const box = (ref: ComparedRef, name: string) => (
    <input
      type="checkbox"
      aria-label={text.choose(name)}
      checked={chosen.includes(ref)}
      onChange={() => setChosen(withChosen(chosen, ref))}
    />
  );
  return (
    <Dialog title={text.title} {...(versions.length > 0 && { about: text.hint })} onClose={onClose}>
      {versions.length === 0 ? (
        <p className="form-hint">{text.none}</p>
      ) : (
        <>
          <ul className="versions" aria-label={text.list}>
            <li>
              {box(LIVE, text.live)}
              <span className="version-name">{text.live}</span>
            </li>
            {versions.map((entry, index) => (
              <li key={entry.summary.id}>
                {box(entry.summary.id, snapshotWords.number(entry.summary.number))}
                <Version
                  entry={entry}
                  isCurrent={entry.summary.id === current}
                  isSame={versions[index + 1]?.summary.contentId === entry.summary.contentId}
                  hasOlder={index + 1 < versions.length}
                  onOpen={onClose}
                />
              </li>
            ))}
          </ul>
          <div className="form-buttons snapshot-buttons">
            <Button
              look="primary"
              disabled={address === undefined}
              onClick={() => {
                if (address === undefined) return;
                onClose();
                navigate(address);
              }}
            >
              {text.compare}
            </Button>
          </div>
        </>
      )}
    </Dialog>
  );
}

interface VersionProps {
  entry: ReturnType<typeof versionsOf>[number];
  isCurrent: boolean;
  /** it holds the same as the one before */
  isSame: boolean;
  hasOlder: boolean;
  onOpen: () => void;
}

function Version({ entry: { summary, state }, isCurrent, isSame, hasOlder, onOpen }: VersionProps) {
  const nameOf = useModelNames();
  const id = useId();
  const text = snapshotWords.versions;
  const facts = [
    formatDateTime(summary.createdAt),
    ...(summary.model === "" ? [] : [nameOf(summary.model)]),
    snapshotWords.messages(summary.messageCount),
    ...(hasOlder && isSame ? [text.unchanged] : []),
    ...(state.type === "pending" ? [snapshotWords.list.pending] : []),
  ];
  return (
    <span className="version-name">
      <Link
        href={`/snapshots/${summary.id}`}
        dir="auto"
        aria-describedby={id}
        aria-current={isCurrent ? "page" : undefined}
        onClick={onOpen}
      >
        <span className="version-number">{snapshotWords.number(summary.number)}</span> {titleOf(summary)}
      </Link>
      <span className="form-hint" id={id}>
        {facts.join(" · ")}
      </span>
    </span>
  );
}
