import { useCallback, useEffect, useState } from "react";
import type { Snapshots } from "#client/local-store/snapshots.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { SnapshotId } from "#shared/domain/ids.ts";

/** What there is to read of a snapshot. */
export type ReadContent =
  | { type: "reading" }
  | { type: "read"; content: FrozenContent }
  /** its messages did not come to this device, though they were just asked for */
  | { type: "missing" }
  /** what is here is not what was frozen */
  | { type: "damaged" }
  /** this device cannot read what it stored */
  | { type: "unreadable" };

/** Asks the server only where that can help: for what is not here, and, by a person's wish, for what is damaged. */
async function readFrozen(
  snapshots: Snapshots,
  id: SnapshotId,
  { online, tries }: { online: boolean; tries: number },
): Promise<ReadContent> {
  const stored = await snapshots.content(id);
  const helps = !stored.ok && (stored.failure === "missing" || (stored.failure === "damaged" && tries > 0));
  const read = helps && online && (await snapshots.fetch(id)) ? await snapshots.content(id) : stored;
  if (read.ok) return { type: "read", content: read.value };
  return { type: read.failure === "missing" || read.failure === "damaged" ? read.failure : "unreadable" };
}

/**
 * Reads what was frozen; where its messages are not here it asks for them, and again when the network comes back.
 * @param online whether the server can be reached
 */
export function useFrozenContent(id: SnapshotId, online: boolean): { read: ReadContent; again: () => void } {
  const { snapshots } = useWorkspace();
  const [tries, setTries] = useState(0);
  const [shown, setShown] = useState<{ id: SnapshotId; read: ReadContent }>({ id, read: { type: "reading" } });
  const isRead = shown.id === id && shown.read.type === "read";
  useEffect(() => {
    if (isRead) return;
    let left = false;
    void readFrozen(snapshots, id, { online, tries }).then((read) => left || setShown({ id, read }));
    return () => {
      left = true;
    };
  }, [snapshots, id, isRead, tries, online]);
  const again = useCallback(() => {
    setShown({ id, read: { type: "reading" } });
    setTries((before) => before + 1);
  }, [id]);
  return { read: shown.id === id ? shown.read : { type: "reading" }, again };
}
