import { useCallback, useState } from "react";
import { parseConversationId } from "#shared/domain/ids.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { useWorkspace } from "#client/session/workspace.ts";

/** One that was begun in one workspace is not of another. */
const keyOf = ({ accountId, workspaceId }: Me): string => `holdfast.new-chat.${accountId}.${workspaceId}`;

/** This window's own, else the last one of this device: another window may have gone on to a new one meanwhile. */
function remembered(me: Me): ConversationId | undefined {
  const key = keyOf(me);
  try {
    return parseConversationId(sessionStorage.getItem(key) ?? localStorage.getItem(key) ?? "");
  } catch {
    return undefined;
  }
}

function remember(me: Me, id: ConversationId): void {
  try {
    for (const storage of [localStorage, sessionStorage]) storage.setItem(keyOf(me), id);
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
    remember(me, id);
    return id;
  }, [me, newId]);
  const [id, setId] = useState(() => (another ? undefined : remembered(me)) ?? fresh());
  const renew = useCallback(() => setId(fresh()), [fresh]);
  return { id, renew };
}
