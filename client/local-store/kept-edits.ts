import type { ConversationId, MessageId } from "#shared/domain/ids.ts";

/** The part of `localStorage` that edits need; injected so that the rule is testable. */
type EditStorage = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

/** The unsent new wordings of the prompts of one conversation. */
export interface KeptEdits {
  /** the text as it was last typed, `undefined` when that message is not being edited */
  read(id: MessageId): string | undefined;
  keep(id: MessageId, text: string): void;
  /** forgets the edit once it was sent or given up */
  forget(id: MessageId): void;
  /** all of them, by message */
  all(): [message: MessageId, text: string][];
  /** keeps all of them for a copy of the conversation instead, whose messages have the same ids */
  moveTo(copy: ConversationId): void;
  /** forgets all of them, once the conversation was erased */
  forgetAll(): void;
}

const prefixOf = (id: ConversationId): string => `holdfast.edit.${id}.`;

/** All at once: the numbers of those behind change when one goes. */
function keysIn(storage: EditStorage, prefix: string): string[] {
  const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "");
  return keys.filter((key) => key.startsWith(prefix));
}

/**
 * Keeps the unsent new wording of sent prompts on this device, so that a reload, a crash or another chat in between
 * loses none of it. Ids are random: those of two accounts never meet in one storage. Where storage is refused, an edit lives as long as its editor.
 */
export function createKeptEdits(open: () => EditStorage, conversationId: ConversationId): KeptEdits {
  const prefix = prefixOf(conversationId);
  const withStorage = <T>(action: (storage: EditStorage) => T): T | undefined => {
    try {
      return action(open());
    } catch {
      // Blocked or full: the editor still has the text, which is all that can be done.
      return undefined;
    }
  };
  return {
    read: (id) => withStorage((storage) => storage.getItem(prefix + id)) ?? undefined,
    keep: (id, text) => withStorage((storage) => storage.setItem(prefix + id, text)),
    forget: (id) => withStorage((storage) => storage.removeItem(prefix + id)),
    all: () =>
      withStorage((storage) =>
        keysIn(storage, prefix).map((key): [MessageId, string] => [
          key.slice(prefix.length) as MessageId,
          storage.getItem(key) ?? "",
        ]),
      ) ?? [],
    moveTo: (copy) =>
      withStorage((storage) => {
        for (const key of keysIn(storage, prefix)) {
          const text = storage.getItem(key) ?? "";
          // In this order, because a full storage has no room for both.
          storage.removeItem(key);
          storage.setItem(prefixOf(copy) + key.slice(prefix.length), text);
        }
      }),
    forgetAll: () =>
      withStorage((storage) => {
        for (const key of keysIn(storage, prefix)) storage.removeItem(key);
      }),
  };
}
