import { useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import type { DeviceCopy } from "#client/session/device-copy.ts";
import { Button } from "#client/ui/button.tsx";
import { storageWords } from "#client/ui/words/storage-words.ts";
import { Status } from "#client/ui/status.tsx";

type Exporting = { type: "idle" } | { type: "running" } | { type: "ended"; says: string };

interface ExportButtonProps {
  /** all that is readable, or what was set aside because it is not */
  what: "everything" | "set-aside";
  label: string;
  look?: "soft" | "primary";
}

/** Saves a file, and says what is in it. */
export function ExportButton({ what, label, look = "soft" }: ExportButtonProps) {
  const { device } = useWorkspace();
  const [state, setState] = useState<Exporting>({ type: "idle" });
  const run = async (): Promise<void> => {
    setState({ type: "running" });
    // What goes wrong with code that does not arrive, or a file that cannot be made, is said, and can be tried again.
    const says = await device()
      .then((copy) => exported(copy, what))
      .catch(() => storageWords.export.failed);
    setState({ type: "ended", says });
  };
  return (
    <>
      <Button look={look} disabled={state.type === "running"} onClick={() => void run()}>
        {state.type === "running" ? storageWords.export.running : label}
      </Button>
      <Status className="export-result">{state.type === "ended" && state.says}</Status>
    </>
  );
}

async function exported(copy: DeviceCopy, what: ExportButtonProps["what"]): Promise<string> {
  const said = storageWords.export;
  if (what === "set-aside") return (await copy.exportSetAside()) ? said.doneSetAside : said.failed;
  const { chats, missing } = await copy.exportEverything(said.markdown);
  return said.done(chats, missing);
}
