import { useEffect, useState } from "react";
import { countWaiting } from "#client/session/empty-device.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import type { StorageNotice, SyncStatus } from "#client/sync/sync-status.ts";
import { Button } from "#client/ui/button.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { storageWords } from "#client/ui/words/storage-words.ts";
import { ExportButton } from "./export-button.tsx";
import "./trouble-advice.css";
import { Status } from "#client/ui/status.tsx";

type CannotSave = Extract<SyncStatus, { type: "cannot-save" }>;
type Refused = Extract<SyncStatus, { type: "refused" }>;

interface TroubleAdviceProps {
  status: SyncStatus;
  notice: StorageNotice | undefined;
}

/** What happened, what is not saved, and what a person can do; and where nothing is kept, that. */
export function TroubleAdvice({ status, notice }: TroubleAdviceProps) {
  const { me } = useWorkspace();
  return (
    <>
      {me.sharedDevice && <SharedDeviceNote accountId={me.accountId} isSaid={status.type === "cannot-save"} />}
      {status.type === "cannot-save" && <CannotSaveAdvice {...status} />}
      {status.type === "refused" && <RefusedAdvice {...status} />}
      {notice && <NoticeAdvice notice={notice} />}
    </>
  );
}

/** ms between two looks at what was kept here before the device was shared, while any of it waits */
const LOOK_MS = 5_000;

function SharedDeviceNote({ accountId, isSaid }: { accountId: string; isSaid: boolean }) {
  const [waiting, setWaiting] = useState(0);
  useEffect(() => {
    const look = async (): Promise<void> => setWaiting(await countWaiting(accountId, () => localStorage));
    void look();
    const timer = setInterval(() => void look(), LOOK_MS);
    return () => clearInterval(timer);
  }, [accountId]);
  return (
    <>
      {!isSaid && <p className="sync-advice">{storageWords.shared}</p>}
      {waiting > 0 && <p className="sync-advice">{storageWords.sharedWaiting(waiting)}</p>}
    </>
  );
}

/** A newer version is there, or on its way: only loading it helps. */
const helpsReload = (reason: CannotSave["reason"]): boolean => reason === "superseded" || reason === "newer";

function CannotSaveAdvice({ reason, onlyHere, unsent }: CannotSave) {
  const { sync } = useWorkspace();
  const online = useWatched(sync, () => sync.online());
  useLeaveGuard(onlyHere > 0);
  const { what, next } = storageWords.cannotSave[reason];
  return (
    <div className="sync-advice">
      <p role="alert">
        {what} {next}
      </p>
      {reason !== "shared-device" && <p>{inMemoryWords(onlyHere, unsent, online)}</p>}
      <div className="sync-buttons">
        <ExportButton what="everything" label={storageWords.export.button} />
        {helpsReload(reason) ? (
          <Button look="soft" onClick={() => location.reload()}>
            {storageWords.reload}
          </Button>
        ) : (
          reason !== "shared-device" && <TryAgain key={reason} />
        )}
      </div>
    </div>
  );
}

function inMemoryWords(onlyHere: number, unsent: number, online: boolean): string {
  if (onlyHere > 0) return storageWords.onlyHere(onlyHere, online);
  return unsent > 0 ? storageWords.unsent(unsent) : storageWords.nothingUnsent;
}

/** Asks before the page goes, and what is in it only. */
function useLeaveGuard(guarded: boolean): void {
  useEffect(() => {
    if (!guarded) return;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [guarded]);
}

function TryAgain() {
  const { sync } = useWorkspace();
  const [state, setState] = useState<"idle" | "trying" | "in-vain">("idle");
  const run = async (): Promise<void> => {
    setState("trying");
    // Where it worked, this is gone.
    await sync.retryStoring();
    setState("in-vain");
  };
  return (
    <>
      <Button look="soft" disabled={state === "trying"} onClick={() => void run()}>
        {storageWords.tryAgain}
      </Button>
      <Status>{state === "in-vain" && storageWords.stillNot}</Status>
    </>
  );
}

function RefusedAdvice({ documents, unreadable }: Refused) {
  const { sync } = useWorkspace();
  return (
    <div className="sync-advice" role="alert">
      {documents > unreadable && <p>{storageWords.refusedAdvice}</p>}
      {unreadable > 0 && (
        <>
          <p>{storageWords.unreadable(unreadable)}</p>
          <div className="sync-buttons">
            <ExportButton what="set-aside" label={storageWords.exportSetAside} />
            <Button onClick={() => sync.dismissUnreadable()}>{storageWords.dismiss}</Button>
          </div>
        </>
      )}
    </div>
  );
}

function NoticeAdvice({ notice }: { notice: StorageNotice }) {
  const { sync } = useWorkspace();
  const isCorrupt = notice.type === "corrupt";
  return (
    <div className="sync-advice" role="alert">
      <p>{isCorrupt ? storageWords.corrupt(notice.records) : storageWords.evicted(notice.chats)}</p>
      <div className="sync-buttons">
        {isCorrupt && <ExportButton what="set-aside" label={storageWords.exportSetAside} />}
        <Button onClick={() => sync.dismissUnreadable()}>{storageWords.dismiss}</Button>
      </div>
    </div>
  );
}
