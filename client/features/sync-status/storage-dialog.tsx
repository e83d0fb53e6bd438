import { useCallback, useEffect, useRef, useState } from "react";
import type { DeviceOverview } from "#client/session/device-copy.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { Dialog } from "#client/ui/dialog.tsx";
import { formatBytes } from "#client/ui/words/format-bytes.ts";
import { formatNumber } from "#client/ui/words/format.ts";
import { storageWords } from "#client/ui/words/storage-words.ts";
import { words } from "#client/ui/words/words.ts";
import { ExportButton } from "./export-button.tsx";
import { KeptRow } from "./kept-row.tsx";
import { SetAsideRow } from "./set-aside-row.tsx";
import { StorageRow } from "./storage-row.tsx";
import "./storage-dialog.css";

const said = storageWords.dialog;

/** What is on this device, whether it stays there, and ways to take it along. */
export function StorageDialog({ onClose }: { onClose: () => void }) {
  const { me } = useWorkspace();
  const { overview, readAgain } = useOverview();
  if (me.sharedDevice)
    return (
      <Dialog title={said.title} about={said.shared} onClose={onClose}>
        <div className="storage-foot">
          <Button onClick={onClose}>{words.app.close}</Button>
        </div>
      </Dialog>
    );
  return (
    <Dialog title={said.title} about={said.about} onClose={onClose}>
      {overview === undefined || overview === "failed" ? (
        <p className="storage-reading">{overview === undefined ? said.reading : said.failed}</p>
      ) : (
        <>
          <dl className="storage">
            <UsageRow usage={overview.usage} />
            <KeptRow kept={overview.kept} onAsked={() => void readAgain()} />
            <ChatsRow here={overview.here} chats={overview.chats} />
            <WaitingRow waiting={overview.waiting} />
            <SetAsideRow records={overview.setAside} onRemoved={() => void readAgain()} />
          </dl>
          <div className="storage-foot">
            <ExportButton what="everything" label={storageWords.export.everything} look="primary" />
            <Button onClick={onClose}>{words.app.close}</Button>
          </div>
        </>
      )}
    </Dialog>
  );
}

/** How things stand now; read again when what is stored changes. */
function useOverview(): { overview: DeviceOverview | "failed" | undefined; readAgain: () => Promise<void> } {
  const { device, sync, library } = useWorkspace();
  const [overview, setOverview] = useState<DeviceOverview | "failed">();
  const latest = useRef(0);
  const readAgain = useCallback(async () => {
    const own = ++latest.current;
    const next = await device()
      .then((copy) => copy.overview())
      .catch(() => "failed" as const);
    if (own === latest.current) setOverview(next);
  }, [device]);
  useEffect(() => {
    const show = (): void => void readAgain();
    show();
    const stops = [sync.subscribe(show), library.subscribe(show)];
    return () => {
      for (const stop of stops) stop();
    };
  }, [readAgain, sync, library]);
  return { overview, readAgain };
}

function UsageRow({ usage }: Pick<DeviceOverview, "usage">) {
  return usage === undefined ? (
    <StorageRow name={said.used} value={said.unknown} />
  ) : (
    <StorageRow name={said.used} value={formatBytes(usage)} hint={said.usedHint} />
  );
}

function ChatsRow({ here, chats }: Pick<DeviceOverview, "here" | "chats">) {
  if (here === undefined) return <StorageRow name={said.chats} value={said.unknown} />;
  const value = said.chatsOf(formatNumber(here), formatNumber(chats));
  return <StorageRow name={said.chats} value={value} hint={here < chats ? said.chatsHint : undefined} />;
}

function WaitingRow({ waiting }: Pick<DeviceOverview, "waiting">) {
  if (waiting === undefined) return <StorageRow name={said.waiting} value={said.unknown} />;
  if (waiting.changes === 0)
    return <StorageRow name={said.waiting} value={said.waitingNone} hint={said.waitingNoneHint} />;
  return <StorageRow name={said.waiting} value={said.waitingSome(waiting.changes, waiting.chats)} />;
}
