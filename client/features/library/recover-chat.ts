import { whenLoaded } from "#client/local-store/when-loaded.ts";
import type { Workspace } from "#client/session/workspace.ts";
import { trashWords } from "#client/ui/words/trash-words.ts";
import { words } from "#client/ui/words/words.ts";
import { copyConversation } from "#shared/documents/copy-conversation.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { displayTitle } from "#shared/domain/summary.ts";

/**
 * Makes a new conversation of what this device holds of an erased one, and forgets the old one, but not before the new
 * one is stored here. Answers the new id; `undefined` where there is nothing to read.
 */
export async function recoverChat(
  { documents, library, keptEdits, newId }: Pick<Workspace, "documents" | "library" | "keptEdits" | "newId">,
  id: ConversationId,
): Promise<ConversationId | undefined> {
  const from = documents.open(id);
  const copy = documents.open(newId() as ConversationId);
  try {
    await Promise.all([whenLoaded(from), whenLoaded(copy)]);
    const { conversation } = from;
    // A newer app wrote it, or nothing of it could be read.
    if (from.status().type === "read-only" || conversation.schemaVersion() === 0) return undefined;
    const title = displayTitle(conversation.summary()) || words.library.untitled;
    copyConversation(conversation, copy.conversation, {
      title: trashWords.recoveredTitle(title),
      newRunId: newId,
    });
    if (await copy.stored()) {
      keptEdits(id).moveTo(copy.id);
      await library.forget(id);
    }
    return copy.id;
  } finally {
    from.release();
    copy.release();
  }
}
