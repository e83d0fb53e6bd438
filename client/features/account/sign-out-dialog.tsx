import "#client/ui/form.css";
import { useEffect, useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { countWaiting } from "#client/session/empty-device.ts";
import { Button } from "#client/ui/button.tsx";
import { Dialog } from "#client/ui/dialog.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { accountWords } from "#client/ui/words/account-words.ts";

const said = accountWords.signOut;

/** Asks before everything of the account goes from this device, and says what would be lost. */
export function SignOutDialog({ onClose }: { onClose: () => void }) {
  const { account, device, runs, sync, me } = useWorkspace();
  const isSaved = useWatched(sync, () => sync.status().type === "saved") && !runs.waits();
  const [unsent, setUnsent] = useState(0);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    const counted = me.sharedDevice
      ? countWaiting(me.accountId, () => localStorage)
      : device()
          .then((copy) => copy.overview())
          .then(({ waiting }) => waiting?.changes ?? 0);
    counted.then(setUnsent, () => setUnsent(0)); // cannot be told: nothing is claimed
  }, [device, me]);
  const leave = (): void => {
    setBusy(true);
    void account.signOut();
  };
  return (
    <Dialog title={said.title} about={said.about} onClose={onClose}>
      <div className="form">
        {me.sharedDevice && !isSaved && (
          <p className="form-failed" role="alert">
            {said.onlyHere}
          </p>
        )}
        {unsent > 0 && (
          <p className="form-failed" role="alert">
            {said.unsent(unsent)}
          </p>
        )}
        <div className="form-buttons">
          <Button look="primary" disabled={busy} onClick={leave}>
            {busy ? said.busy : said.action}
          </Button>
          <Button disabled={busy} onClick={onClose}>
            {said.stay}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
