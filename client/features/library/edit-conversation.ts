import type { Documents } from "#client/local-store/documents.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { ConversationId } from "#shared/domain/ids.ts";

/**
 * Opens a conversation that may not be shown, makes one edit as soon as its local copy was read, and lets go of it.
 * Answers whether the edit was made: a conversation that is gone or read-only stays as it is.
 */
export function editConversation(
  documents: Documents,
  id: ConversationId,
  edit: (conversation: ConversationDocument) => void,
): Promise<boolean> {
  const open = documents.open(id);
  return new Promise((resolve) => {
    let stop: (() => void) | undefined;
    let settled = false;
    const settle = (): void => {
      const status = open.status().type;
      if (settled || status === "loading") return;
      settled = true;
      stop?.();
      if (status === "ready") edit(open.conversation);
      open.release();
      resolve(status === "ready");
    };
    stop = open.subscribe(settle);
    settle();
    if (settled) stop();
  });
}
