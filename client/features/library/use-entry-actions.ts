import { useMemo } from "react";
import { endRuns } from "#client/runs/end-runs.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { useToast } from "#client/ui/toast.tsx";
import { rowMenuWords } from "#client/ui/words/row-menu-words.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { editConversation } from "./edit-conversation.ts";

/** What the menu of a library row does. Archiving and deleting can be undone from a toast. */
export function useEntryActions(id: ConversationId, title: string) {
  const { documents, runs } = useWorkspace();
  const toast = useToast();
  return useMemo(() => {
    const edit = async (change: (conversation: ConversationDocument) => void): Promise<boolean> => {
      const done = await editConversation(documents, id, change);
      if (!done) toast({ text: rowMenuWords.cannotEdit });
      return done;
    };
    const undoable = async (
      text: string,
      change: (conversation: ConversationDocument) => void,
      back: (conversation: ConversationDocument) => void,
    ): Promise<void> => {
      if (await edit(change)) toast({ text, action: { label: rowMenuWords.undo, run: () => void edit(back) } });
    };
    return {
      rename: (next: string) => void edit((conversation) => conversation.rename(next)),
      setPinned: (pinned: boolean) => void edit((conversation) => conversation.setPinned(pinned)),
      unarchive: () => void edit((conversation) => conversation.setArchived(false)),
      archive: () =>
        void undoable(
          rowMenuWords.archivedToast(title),
          (conversation) => conversation.setArchived(true),
          (conversation) => conversation.setArchived(false),
        ),
      delete: () =>
        void undoable(
          rowMenuWords.deleted(title),
          (conversation) => {
            endRuns(conversation, runs);
            conversation.setDeleted(true);
          },
          (conversation) => conversation.setDeleted(false),
        ),
    };
  }, [documents, runs, id, title, toast]);
}
