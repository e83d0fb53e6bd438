import { useLayoutEffect, useState } from "react";
import type { DocumentStatus, OpenConversation } from "#client/local-store/documents.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { sameFields } from "#client/ui/use-watched.ts";
import type { ConversationId } from "#shared/domain/ids.ts";

export interface ShownConversation {
  open: OpenConversation;
  status: DocumentStatus;
}

/** Holds a conversation open while it is shown. */
export function useOpenConversation(id: ConversationId): ShownConversation | undefined {
  const { documents } = useWorkspace();
  const [shown, setShown] = useState<ShownConversation>();
  useLayoutEffect(() => {
    const open = documents.open(id);
    const read = (): void => {
      const status = open.status();
      setShown((before) => (before?.open === open && sameFields(before.status, status) ? before : { open, status }));
    };
    const stop = open.subscribe(read);
    read();
    return () => {
      stop();
      open.release();
    };
  }, [documents, id]);
  return shown?.open.id === id ? shown : undefined;
}
