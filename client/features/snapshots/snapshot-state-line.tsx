import { navigate } from "wouter/use-browser-location";
import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { useAnnounce } from "#client/ui/announcer.tsx";
import { Button } from "#client/ui/button.tsx";
import { SureButton } from "#client/ui/sure-button.tsx";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { snapshotRefusal } from "./refusal-words.ts";
import { useOnline } from "./use-online.ts";

/** How far the server is with a snapshot, where there is anything to say. */
export function SnapshotStateLine({
  entry: { summary, state },
  mayChange,
}: {
  entry: SnapshotEntry;
  mayChange: boolean;
}) {
  const { snapshots } = useWorkspace();
  const online = useOnline();
  const announce = useAnnounce();
  const text = snapshotWords.state;
  const giveUp = async (): Promise<void> => {
    await snapshots.giveUp(summary.id);
    announce(text.gaveUp);
    navigate("/");
  };
  const dropChange = async (): Promise<void> => {
    await snapshots.giveUp(summary.id);
    announce(text.droppedChange);
  };
  if (state.type === "change-refused") {
    return (
      <div className="notice" data-look="warn">
        <p>
          <strong>{text.changeRefused}</strong> {text.changeRefusedAbout}
        </p>
        <Button look="soft" onClick={() => void dropChange()}>
          {text.dropChange}
        </Button>
      </div>
    );
  }
  if (summary.deleted) {
    return (
      <div className="notice">
        <p>{text.deleted}</p>
        {mayChange && (
          <Button look="soft" onClick={() => snapshots.setDeleted(summary.id, false)}>
            {text.restore}
          </Button>
        )}
      </div>
    );
  }
  switch (state.type) {
    case "sealed":
      return null;
    case "changing":
      return online ? null : <p className="snapshot-state">{text.changing}</p>;
    case "pending":
      return (
        <div className="notice">
          <p>
            <strong>{online ? text.sealing : text.pending}</strong> {text.pendingAbout}
          </p>
        </div>
      );
    case "refused":
      return (
        <div className="notice" data-look="warn">
          <p>
            <strong>{text.refused}</strong> {snapshotRefusal(state.code)} {text.refusedAbout}
          </p>
          <SureButton
            look="soft"
            label={text.giveUp}
            question={text.giveUpAsk}
            yes={text.giveUpYes}
            no={text.giveUpNo}
            danger
            onYes={() => void giveUp()}
          />
        </div>
      );
  }
}
