import { useRef, useState } from "react";
import { navigate } from "wouter/use-browser-location";
import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { useAnnounce } from "#client/ui/announcer.tsx";
import { Button } from "#client/ui/button.tsx";
import { LazyMenu } from "#client/ui/lazy-menu.tsx";
import type { MenuItem } from "#client/ui/lazy-menu.tsx";
import { useToast } from "#client/ui/toast.tsx";
import { rerunWords } from "#client/ui/words/rerun-words.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { Result } from "#shared/lib/result.ts";
import { ExportMenu } from "./export-menu.tsx";
import { isChatGone } from "./chat-gone.ts";
import { LIVE } from "./compare-address-state.ts";
import { duplicateSnapshot, restoreIntoChat } from "./go-on-from.ts";
import type { GoOnFailure } from "./go-on-from.ts";
import { RestoreDialog } from "./restore-dialog.tsx";
import type { VersionPlace } from "./snapshot-list-state.ts";

const text = snapshotWords.actions;

interface SnapshotActionsProps {
  entry: SnapshotEntry;
  place: VersionPlace;
  mayChange: boolean;
  onVersions: () => void;
  onRerun: () => void;
}

/** What a snapshot is kept for: to be compared, and gone on from. */
export function SnapshotActions({ entry, place, mayChange, onVersions, onRerun }: SnapshotActionsProps) {
  const [asking, setAsking] = useState(false);
  const goOn = useGoingOn();
  const toast = useToast();
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
            onClick={() => {
              const duplicating = goOn(() => duplicateSnapshot(workspace, summary), text.duplicated);
              void duplicating.then((failure) => failure !== undefined && toast({ text: text.failures[failure] }));
            }}
          >
            <span className="action-name">{text.duplicate}</span>
          </Button>
          <Button icon="again" aria-label={text.restore} aria-haspopup="dialog" onClick={() => setAsking(true)}>
            <span className="action-name">{text.restore}</span>
          </Button>
          <Button icon="play" aria-label={rerunWords.button} aria-haspopup="dialog" onClick={onRerun}>
            <span className="action-name">{rerunWords.button}</span>
          </Button>
        </>
      )}
      <ExportMenu entry={entry} />
      {asking && (
        <RestoreDialog
          refused={isChatGone(workspace.library, summary.conversationId) ? "chat-gone" : undefined}
          onRestore={(settings) => goOn(() => restoreIntoChat(workspace, summary, settings), text.restored)}
          onDuplicate={() => goOn(() => duplicateSnapshot(workspace, summary), text.duplicated)}
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

/** Opens the chat that something makes or changes, once; answers why that did not work. */
function useGoingOn() {
  const announce = useAnnounce();
  const busy = useRef(false);
  return async (
    work: () => Promise<Result<ConversationId, GoOnFailure>>,
    done: string,
  ): Promise<GoOnFailure | undefined> => {
    if (busy.current) return undefined;
    busy.current = true;
    const made = await work();
    busy.current = false;
    if (!made.ok) return made.failure;
    announce(done);
    navigate(`/c/${made.value}`);
    return undefined;
  };
}
