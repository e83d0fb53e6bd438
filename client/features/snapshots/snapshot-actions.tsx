import { useRef, useState } from "react";
import { navigate } from "wouter/use-browser-location";
import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { useAnnounce } from "#client/ui/announcer.tsx";
import { Button } from "#client/ui/button.tsx";
import { Dialog } from "#client/ui/dialog.tsx";
import { LazyMenu } from "#client/ui/lazy-menu.tsx";
import type { MenuItem } from "#client/ui/lazy-menu.tsx";
import { useToast } from "#client/ui/toast.tsx";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { Result } from "#shared/lib/result.ts";
import { ExportMenu } from "./export-menu.tsx";
import { LIVE } from "./compare-address-state.ts";
import { duplicateSnapshot, restoreIntoChat } from "./go-on-from.ts";
import type { GoOnFailure } from "./go-on-from.ts";
import type { VersionPlace } from "./snapshot-list-state.ts";

const text = snapshotWords.actions;

interface SnapshotActionsProps {
  entry: SnapshotEntry;
  place: VersionPlace;
  mayChange: boolean;
  onVersions: () => void;
}

/** What a snapshot is kept for: to be compared, and gone on from. */
export function SnapshotActions({ entry, place, mayChange, onVersions }: SnapshotActionsProps) {
  const [asking, setAsking] = useState(false);
  const goOn = useGoingOn();
  const workspace = useWorkspace();
  const { summary } = entry;
  return (
    <div className="snapshot-actions">
      <LazyMenu
        icon="compare"
        label={text.compare}
        text={<span className="action-name">{text.compare}</span>}
        items={() => compareItems(summary.id, place, onVersions)}
      />
      {mayChange && (
        <>
          <Button
            icon="copy"
            aria-label={text.duplicate}
            onClick={() => void goOn(() => duplicateSnapshot(workspace, summary), text.duplicated)}
          >
            <span className="action-name">{text.duplicate}</span>
          </Button>
          <Button icon="again" aria-label={text.restore} aria-haspopup="dialog" onClick={() => setAsking(true)}>
            <span className="action-name">{text.restore}</span>
          </Button>
        </>
      )}
      <ExportMenu entry={entry} />
      {asking && (
        <RestoreDialog
          onRestore={() => void goOn(() => restoreIntoChat(workspace, summary), text.restored)}
          onClose={() => setAsking(false)}
        />
      )}
    </div>
  );
}

const go = (address: string) => () => navigate(address);

function compareItems(id: string, { previous }: VersionPlace, onVersions: () => void): MenuItem[] {
  const before: MenuItem[] =
    previous === undefined
      ? []
      : [{ type: "action", label: text.previousOf, onSelect: go(`/compare/${previous}/${id}`) }];
  return [
    ...before,
    { type: "action", label: text.live, onSelect: go(`/compare/${id}/${LIVE}`) },
    { type: "action", label: text.compareWith, onSelect: onVersions },
  ];
}

/** Opens the chat that something makes or changes, once; says why where that did not work. */
function useGoingOn() {
  const toast = useToast();
  const announce = useAnnounce();
  const busy = useRef(false);
  return async (work: () => Promise<Result<ConversationId, GoOnFailure>>, done: string): Promise<void> => {
    if (busy.current) return;
    busy.current = true;
    const made = await work();
    busy.current = false;
    if (!made.ok) return toast({ text: made.failure === "chat-gone" ? text.chatGone : text.failed });
    announce(done);
    navigate(`/c/${made.value}`);
  };
}

function RestoreDialog({ onRestore, onClose }: { onRestore: () => void; onClose: () => void }) {
  return (
    <Dialog title={text.restoreTitle} about={text.restoreAbout} onClose={onClose}>
      <div className="form-buttons snapshot-buttons">
        <Button look="soft" onClick={onClose}>
          {snapshotWords.take.cancel}
        </Button>
        <Button
          look="primary"
          onClick={() => {
            onClose();
            onRestore();
          }}
        >
          {text.restoreYes}
        </Button>
      </div>
    </Dialog>
  );
}
