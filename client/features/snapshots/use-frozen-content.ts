import { useCallback, useEffect, useState } from "react";
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

/**
 * Reads what was frozen; where its messages are not here it asks for them, and again when the network comes back.
 * @param online whether the server can be reached
 */
export function useFrozenContent(
  id: SnapshotId | undefined,
  online: boolean,
): { read: ReadContent; again: () => void } {
  const { snapshots } = useWorkspace();
  const [tries, setTries] = useState(0);
  const [shown, setShown] = useState<{ id: SnapshotId | undefined; read: ReadContent }>({
    id,
    read: { type: "reading" },
  });
  const isRead = shown.id === id && shown.read.type === "read";
  useEffect(() => {
    if (id === undefined || isRead) return;
    let left = false;
    const show = (read: ReadContent): void => {
      if (!left) setShown({ id, read });
    };
    void readContent().then(show);
    return () => {
      left = true;
    };

    async function readContent(): Promise<ReadContent> {
      if (id === undefined) return { type: "reading" };
      const first = await snapshots.content(id);
      if (first.ok) return { type: "read", content: first.value };
      if (first.failure === "missing" || (first.failure === "damaged" && tries > 0)) {
        if (!online || !(await snapshots.fetch(id)))
          return first.failure === "missing" ? { type: "missing" } : { type: "damaged" };
        const second = await snapshots.content(id);
        if (second.ok) return { type: "read", content: second.value };
        return { type: second.failure === "missing" || second.failure === "damaged" ? second.failure : "unreadable" };
      }
      return { type: first.failure === "damaged" ? "damaged" : "unreadable" };
    }
  }, [snapshots, id, isRead, tries, online]);
  const again = useCallback(() => {
    setShown({ id, read: { type: "reading" } });
    setTries((before) => before + 1);
  }, [id]);
  return { read: shown.id === id ? shown.read : { type: "reading" }, again };
}
