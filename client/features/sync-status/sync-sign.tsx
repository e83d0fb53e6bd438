import { useEffect, useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import type { SyncStatus } from "#client/sync/sync-status.ts";
import { useAnnounce } from "#client/ui/announcer.tsx";
import { IconButton } from "#client/ui/button.tsx";
import { sameFields, useWatched } from "#client/ui/use-watched.ts";
import { words } from "#client/ui/words/words.ts";
import { syncWords } from "./sync-words.ts";

/** Stands in for the sync status where that is out of sight, while something is wrong; leads to it. */
export function SyncSign({ onOpen }: { onOpen: () => void }) {
  const { sync } = useWorkspace();
  const status = useWatched(sync, () => sync.status(), sameFields);
  const noticed = useWatched(sync, () => sync.notice() !== undefined);
  const { type } = status;
  const wrong = type === "offline" || type === "refused" || type === "cannot-save";
  if (wrong) return <Sign key={type} type={type} says={syncWords(status)} onOpen={onOpen} />;
  return noticed ? <Sign key="notice" type="refused" says={words.sync.notice} onOpen={onOpen} /> : null;
}

/** One trouble: announced once, not again for each change that it holds up. */
function Sign({ type, says, onOpen }: { type: SyncStatus["type"]; says: string; onOpen: () => void }) {
  const announce = useAnnounce();
  const [first] = useState(says);
  useEffect(() => announce(first), [announce, first]);
  const icon = type === "offline" ? "offline" : "alert";
  return <IconButton className="sync-sign" data-status={type} icon={icon} label={says} onClick={onOpen} />;
}
