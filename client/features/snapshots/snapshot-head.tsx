import { useRef, useState } from "react";
import type { ReactNode, RefObject } from "react";
import { navigate } from "wouter/use-browser-location";
import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { IconButton } from "#client/ui/button.tsx";
import { LazyMenu } from "#client/ui/lazy-menu.tsx";
import { TitleField } from "#client/ui/title-field.tsx";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { words } from "#client/ui/words/words.ts";
import type { VersionPlace } from "./snapshot-list-state.ts";
import { SnapshotActions } from "./snapshot-actions.tsx";
import { titleOf } from "./snapshot-title.ts";
import { TagsDialog } from "./tags-dialog.tsx";
import { useSnapshotActions } from "./use-snapshot-actions.ts";

interface SnapshotHeadProps {
  entry: SnapshotEntry;
  place: VersionPlace;
  leading: ReactNode;
  mayChange: boolean;
  heading: RefObject<HTMLHeadingElement | null>;
  onVersions: () => void;
  onRerun: () => void;
}

/** The name of a snapshot and what can be done with it. */
export function SnapshotHead({ entry, place, leading, mayChange, heading, onVersions, onRerun }: SnapshotHeadProps) {
  const [tags, setTags] = useState(false);
  const actions = useSnapshotActions(entry);
  const { summary } = entry;
  const title = titleOf(summary);
  return (
    <header className="chat-header snapshot-header">
      {leading}
      <SnapshotTitle title={title} mayChange={mayChange} heading={heading} onRename={actions.rename} />
      <SnapshotActions entry={entry} place={place} mayChange={mayChange} onVersions={onVersions} onRerun={onRerun} />
      {mayChange && (
        <LazyMenu
          icon="more"
          label={words.chat.more}
          items={() => [
            { type: "action", label: snapshotWords.menu.versions, onSelect: onVersions },
            { type: "action", label: snapshotWords.menu.tags, onSelect: () => setTags(true) },
            { type: "line" },
            {
              type: "action",
              label: snapshotWords.menu.delete,
              danger: true,
              onSelect: () => {
                actions.delete();
                navigate("/");
              },
            },
          ]}
        />
      )}
      {tags && <TagsDialog title={title} tags={summary.tags} onSave={actions.setTags} onClose={() => setTags(false)} />}
    </header>
  );
}

interface SnapshotTitleProps {
  title: string;
  mayChange: boolean;
  heading: RefObject<HTMLHeadingElement | null>;
  onRename: (title: string) => void;
}

function SnapshotTitle({ title, mayChange, heading, onRename }: SnapshotTitleProps) {
  const [editing, setEditing] = useState(false);
  const rename = useRef<HTMLButtonElement>(null);
  if (editing) {
    return (
      <div className="chat-title">
        <TitleField
          label={snapshotWords.page.title}
          title={title}
          onSave={onRename}
          onClose={() => {
            setEditing(false);
            requestAnimationFrame(() => rename.current?.focus());
          }}
        />
      </div>
    );
  }
  return (
    <div className="chat-title">
      <h1 dir="auto" title={title} ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {mayChange && (
        <IconButton ref={rename} icon="pencil" label={snapshotWords.page.rename} onClick={() => setEditing(true)} />
      )}
    </div>
  );
}
