import { useState } from "react";
import { Button } from "#client/ui/button.tsx";
import { Dialog } from "#client/ui/dialog.tsx";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import type { GoOnFailure, RestoredSettings } from "./go-on-from.ts";
import "#client/ui/form.css";

const text = snapshotWords.actions;

interface RestoreDialogProps {
  /** why it cannot be restored, where that is known before */
  refused: GoOnFailure | undefined;
  /** Answers why it was not restored. */
  onRestore: (settings: RestoredSettings) => Promise<GoOnFailure | undefined>;
  /** what can be done where there is no chat to restore into */
  onDuplicate: () => Promise<GoOnFailure | undefined>;
  onClose: () => void;
}

/** Asks before a chat shows what a snapshot holds, and offers a new chat where the old one is not there. */
export function RestoreDialog({ refused, onRestore, onDuplicate, onClose }: RestoreDialogProps) {
  const [withSettings, setWithSettings] = useState(true);
  const [failed, setFailed] = useState<GoOnFailure>();
  const failure = failed ?? refused;
  const run = (work: Promise<GoOnFailure | undefined>): void => {
    void work.then((why) => (why === undefined ? onClose() : setFailed(why)));
  };
  const offersDuplicate = failure !== undefined && failure !== "unread";
  return (
    <Dialog title={text.restoreTitle} {...(!offersDuplicate && { about: text.restoreAbout })} onClose={onClose}>
      <div className="form">
        {failure === undefined ? (
          <label className="snapshot-check">
            <input type="checkbox" checked={withSettings} onChange={(event) => setWithSettings(event.target.checked)} />
            {text.restoreSettings}
          </label>
        ) : (
          <p className="form-failed" role="alert">
            {text.failures[failure]}
          </p>
        )}
        <div className="form-buttons snapshot-buttons">
          <Button look="soft" onClick={onClose}>
            {snapshotWords.take.cancel}
          </Button>
          {offersDuplicate ? (
            <Button look="primary" onClick={() => run(onDuplicate())}>
              {text.duplicate}
            </Button>
          ) : (
            <Button look="primary" onClick={() => run(onRestore(withSettings ? "taken-over" : "kept"))}>
              {text.restoreYes}
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  );
}
