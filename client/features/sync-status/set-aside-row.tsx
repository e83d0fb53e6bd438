import { useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { storageWords } from "#client/ui/words/storage-words.ts";
import { ExportButton } from "./export-button.tsx";
import { StorageRow } from "./storage-row.tsx";

const said = storageWords.dialog;

interface SetAsideRowProps {
  records: number | undefined;
  onRemoved: () => void;
}

/** What could not be read, kept byte by byte until a person lets it go. */
export function SetAsideRow({ records, onRemoved }: SetAsideRowProps) {
  if (records === undefined) return <StorageRow name={said.setAside} value={said.unknown} />;
  if (records === 0) return <StorageRow name={said.setAside} value={said.setAsideNone} />;
  return (
    <StorageRow name={said.setAside} value={said.setAsideSome(records)} hint={said.setAsideHint}>
      <div className="storage-buttons">
        <ExportButton what="set-aside" label={said.exportSetAside} />
        <RemoveButton onRemoved={onRemoved} />
      </div>
    </StorageRow>
  );
}

/** Asks first: nothing brings it back. */
function RemoveButton({ onRemoved }: { onRemoved: () => void }) {
  const { device } = useWorkspace();
  const [sure, setSure] = useState(false);
  if (!sure) return <Button onClick={() => setSure(true)}>{said.remove}</Button>;
  const remove = async (): Promise<void> => {
    await device().then((copy) => copy.removeSetAside());
    setSure(false);
    onRemoved();
  };
  return (
    <span className="storage-sure">
      {said.removeSure}
      <Button className="storage-remove" onClick={() => void remove()}>
        {said.removeYes}
      </Button>
      <Button onClick={() => setSure(false)}>{said.removeNo}</Button>
    </span>
  );
}
