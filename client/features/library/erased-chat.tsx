import { useState } from "react";
import type { ReactNode } from "react";
import { navigate } from "wouter/use-browser-location";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { useToast } from "#client/ui/toast.tsx";
import { trashWords } from "#client/ui/words/trash-words.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { recoverChat } from "./recover-chat.ts";

/** A chat that was erased on the server while this device held edits that never got there. */
export function ErasedChat({ id, leading }: { id: ConversationId; leading: ReactNode }) {
  const workspace = useWorkspace();
  const toast = useToast();
  const [recovering, setRecovering] = useState(false);
  const recover = async (): Promise<void> => {
    setRecovering(true);
    const recovered = await recoverChat(workspace, id);
    if (recovered !== undefined) return navigate(`/c/${recovered}`);
    setRecovering(false);
    toast({ text: trashWords.cannotRecover });
  };
  return (
    <>
      <div className="chat-header">{leading}</div>
      <div className="blank">
        <h2>{trashWords.erasedTitle}</h2>
        <p>{trashWords.erasedAbout}</p>
        <Button look="primary" disabled={recovering} onClick={() => void recover()}>
          {trashWords.recover}
        </Button>
      </div>
    </>
  );
}
