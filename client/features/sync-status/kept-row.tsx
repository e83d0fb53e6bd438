import { useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { storageWords } from "#client/ui/words/storage-words.ts";
import { StorageRow } from "./storage-row.tsx";
import { Status } from "#client/ui/status.tsx";

const said = storageWords.dialog;

interface KeptRowProps {
  kept: boolean | undefined;
  onAsked: () => void;
}

/** Whether the browser promised to keep what is here, and the way to ask it. */
export function KeptRow({ kept, onAsked }: KeptRowProps) {
  const { device } = useWorkspace();
  const [askedInVain, setAskedInVain] = useState(false);
  if (kept === undefined) return <StorageRow name={said.kept} value={said.keptUnknown} />;
  if (kept) return <StorageRow name={said.kept} value={said.keptYes} hint={said.keptYesHint} />;
  const ask = async (): Promise<void> => {
    const promised = await device().then((copy) => copy.askToKeep());
    setAskedInVain(promised !== true);
    onAsked();
  };
  return (
    <StorageRow name={said.kept} value={said.keptNo} hint={said.keptNoHint}>
      <Status className="storage-hint">{askedInVain && said.askedInVain}</Status>
      {!askedInVain && (
        <Button look="soft" onClick={() => void ask()}>
          {said.ask}
        </Button>
      )}
    </StorageRow>
  );
}
