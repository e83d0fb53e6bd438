import { useEffect, useEffectEvent } from "react";
import { editConversation } from "#client/features/library/edit-conversation.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { rememberPlace } from "./launch.ts";
import type { Launch } from "./launch-state.ts";

interface LaunchPowers {
  /** the chat behind `/` */
  newId: ConversationId;
  location: string;
  openSearch: () => void;
}

/** Does what opening the page asked for, once, and remembers where a person goes from there. */
export function useLaunch(launch: Launch, { newId, location, openSearch }: LaunchPowers): void {
  const { documents, me, smallStorage } = useWorkspace();
  const follow = useEffectEvent(async (): Promise<void> => {
    if (launch.type === "search") openSearch();
    if (launch.type !== "share") return;
    // A chat of its own, and empty: what is shared never takes the place of words.
    await editConversation(documents, newId, ({ draft, setDraft }) => {
      if (draft.length === 0) setDraft(launch.text);
    });
    const open = documents.open(newId);
    const isKept = (await open.stored()) || me.sharedDevice;
    open.release();
    // Until then the address is where it is kept: a reload takes it from there again.
    if (isKept && globalThis.location.hash !== "")
      history.replaceState(history.state, "", globalThis.location.pathname);
  });
  useEffect(() => void follow(), []);
  useEffect(() => rememberPlace(me, location, smallStorage), [me, location, smallStorage]);
}
