import { useCallback, useState } from "react";
import { parseConversationId } from "#shared/domain/ids.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { useWorkspace } from "#client/session/workspace.ts";

const keyOf = (accountId: string): string => `holdfast.new-chat.${accountId}`;

function remembered(accountId: string): ConversationId | undefined {
  try {
    return parseConversationId(localStorage.getItem(keyOf(accountId)) ?? "");
  } catch {
    return undefined;
  }
}

function remember(accountId: string, id: ConversationId): void {
  try {
    localStorage.setItem(keyOf(accountId), id);
  } catch {
    // Storage is blocked: the draft lives as long as this page, and the sync status says so.
  }
}

/**
 * The conversation behind `/`: only an id until its first keystroke. It is remembered on this device, so that a
 * draft that was never sent is there again after a reload.
 */
export function useNewChat(): { id: ConversationId; renew: () => void } {
  const { me, newId } = useWorkspace();
  const fresh = useCallback((): ConversationId => {
    const id = newId() as ConversationId;
    remember(me.accountId, id);
    return id;
  }, [me.accountId, newId]);
  const [id, setId] = useState(() => remembered(me.accountId) ?? fresh());
  const renew = useCallback(() => setId(fresh()), [fresh]);
  return { id, renew };
}
