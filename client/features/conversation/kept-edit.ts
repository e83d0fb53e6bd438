import type { MessageId } from "#shared/domain/ids.ts";

/** The part of `localStorage` that edits need; injected so that the rule is testable. */
type EditStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

const keyOf = (id: MessageId): string => `holdfast.edit.${id}`;

/**
 * Keeps the unsent new wording of a sent prompt on this device, so that a reload, a crash or another chat in between
 * loses none of it. Where storage is refused, an edit lives as long as its editor.
 */
export function createKeptEdits(open: () => EditStorage) {
  const withStorage = <T>(action: (storage: EditStorage) => T): T | undefined => {
    try {
      return action(open());
    } catch {
      // Blocked or full: the editor still has the text, which is all that can be done.
      return undefined;
    }
  };
  return {
    /** the text as it was last typed, `undefined` when that message is not being edited */
    read: (id: MessageId): string | undefined => withStorage((storage) => storage.getItem(keyOf(id))) ?? undefined,
    keep(id: MessageId, text: string): void {
      withStorage((storage) => storage.setItem(keyOf(id), text));
    },
    /** forgets the edit once it was sent or given up */
    forget(id: MessageId): void {
      withStorage((storage) => storage.removeItem(keyOf(id)));
    },
  };
}

/** The edits of this browser profile. Message ids are random, so those of two accounts never meet. */
export const keptEdits = createKeptEdits(() => localStorage);
