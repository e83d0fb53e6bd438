import { useLayoutEffect, useState } from "react";
import type { DocumentStatus, OpenConversation } from "#client/local-store/documents.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { useWorkspace } from "./workspace.ts";

export interface ShownConversation {
  open: OpenConversation;
  status: DocumentStatus;
  /** grows when a mended copy took the place of the one shown */
  copy: number;
}

/** Holds a conversation open while it is shown. */
export function useOpenConversation(id: ConversationId): ShownConversation | undefined {
  const { documents } = useWorkspace();
  const [shown, setShown] = useState<ShownConversation>();
  const [copy, setCopy] = useState(0);
  useLayoutEffect(() => {
    const open = documents.open(id);
    const read = (): void => {
      const status = open.status();
      if (status.type === "replaced") return setCopy((before) => before + 1);
      setShown((before) => (before?.open === open && isSame(before.status, status) ? before : { open, status, copy }));
    };
    const stop = open.subscribe(read);
    read();
    return () => {
      stop();
      open.release();
    };
  }, [documents, id, copy]);
  return shown?.open.id === id ? shown : undefined;
}

const isSame = (one: DocumentStatus, other: DocumentStatus): boolean =>
  one.type === other.type && (one.type !== "ready" || other.type !== "ready" || one.arrived === other.arrived);
