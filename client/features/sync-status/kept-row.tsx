import { useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { storageWords } from "#client/ui/words/storage-words.ts";
import { StorageRow } from "./storage-row.tsx";

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
      {/* oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- an output element is the result of a form */}
      <span role="status" className="storage-hint">
        {askedInVain && said.askedInVain}
      </span>
      {!askedInVain && (
        <Button look="soft" onClick={() => void ask()}>
          {said.ask}
        </Button>
      )}
    </StorageRow>
  );
}
