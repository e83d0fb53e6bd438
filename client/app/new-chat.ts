import { useCallback, useState } from "react";
import { parseConversationId } from "#shared/domain/ids.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { useWorkspace } from "#client/session/workspace.ts";

const keyOf = (accountId: string): string => `holdfast.new-chat.${accountId}`;

/** This window's own, else the last one of this device: another window may have gone on to a new one meanwhile. */
function remembered(accountId: string): ConversationId | undefined {
  const key = keyOf(accountId);
  try {
    return parseConversationId(sessionStorage.getItem(key) ?? localStorage.getItem(key) ?? "");
  } catch {
    return undefined;
  }
}

function remember(accountId: string, id: ConversationId): void {
  try {
    for (const storage of [localStorage, sessionStorage]) storage.setItem(keyOf(accountId), id);
  } catch {
    // Storage is blocked: the draft lives as long as this page, and the sync status says so.
  }
}

/**
 * The conversation behind `/`: only an id until its first keystroke. It is remembered on this device, so that a
 * draft that was never sent is there again after a reload.
 * @param another begins with a chat that nobody has written in, and leaves the one before as a draft in the library
 */
export function useNewChat(another: boolean): { id: ConversationId; renew: () => void } {
  const { me, newId } = useWorkspace();
  const fresh = useCallback((): ConversationId => {
    const id = newId() as ConversationId;
    remember(me.accountId, id);
    return id;
  }, [me.accountId, newId]);
  const [id, setId] = useState(() => (another ? undefined : remembered(me.accountId)) ?? fresh());
  const renew = useCallback(() => setId(fresh()), [fresh]);
  return { id, renew };
}
