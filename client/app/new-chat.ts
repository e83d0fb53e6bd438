import { useCallback, useState } from "react";
import { parseConversationId } from "#shared/domain/ids.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { useWorkspace } from "#client/session/workspace.ts";

/** One that was begun in one workspace is not of another. */
const keyOf = ({ accountId, workspaceId }: Me): string => `holdfast.new-chat.${accountId}.${workspaceId}`;

/**
 * The conversation behind `/`: only an id until its first keystroke. It is remembered on this device, so that a
 * draft that was never sent is there again after a reload.
 * @param another begins with a chat that nobody has written in, and leaves the one before as a draft in the library
 */
export function useNewChat(another: boolean): { id: ConversationId; renew: () => void } {
  const { me, smallStorage, tabStorage, newId } = useWorkspace();
  const fresh = useCallback((): ConversationId => {
    const id = newId() as ConversationId;
    for (const storage of [smallStorage, tabStorage]) storage.write(keyOf(me), id);
    return id;
  }, [me, smallStorage, tabStorage, newId]);
  // This window's own, else the last one of this device: another window may have gone on to a new one meanwhile.
  const [id, setId] = useState(() => {
    const last = tabStorage.read(keyOf(me)) ?? smallStorage.read(keyOf(me));
    return (another ? undefined : parseConversationId(last ?? "")) ?? fresh();
  });
  const renew = useCallback(() => setId(fresh()), [fresh]);
  return { id, renew };
}
