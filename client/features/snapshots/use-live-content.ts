import { useEffect, useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { freezeConversation } from "#shared/documents/freeze-conversation.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { ConversationId } from "#shared/domain/ids.ts";

/** What a conversation would be frozen as now. */
export type LiveContent =
  | { type: "reading" }
  | { type: "read"; content: FrozenContent }
  /** an answer is being written */
  | { type: "unfinished" }
  /** it is not here, or there is nothing in it */
  | { type: "missing" };

/** Freezes what a conversation shows as soon as it can be, once: what is written meanwhile does not move what is read. */
export function useLiveContent(id: ConversationId): LiveContent {
  const { documents, me } = useWorkspace();
  const [shown, setShown] = useState<LiveContent>({ type: "reading" });
  useEffect(() => {
    const open = documents.open(id);
    let done = false;
    const look = (): void => {
      if (done) return;
      const status = open.status();
      if (status.type === "loading") return setShown({ type: "reading" });
      if (status.type === "gone") return setShown({ type: "missing" });
      const frozen = freezeConversation(open.conversation, { author: me.accountId });
      done = frozen.ok;
      if (frozen.ok) setShown({ type: "read", content: frozen.value });
      else setShown({ type: frozen.failure === "unfinished" ? "unfinished" : "missing" });
    };
    const stops = [open.subscribe(look), open.conversation.subscribe(look)];
    look();
    return () => {
      for (const stop of stops) stop();
      open.release();
    };
  }, [documents, id, me]);
  return shown;
}
