import type { Library } from "#client/local-store/library.ts";
import type { ConversationId } from "#shared/domain/ids.ts";

/**
 * Whether there is no chat to go to: the library lists every chat of the account, so that one it does not know is no more,
 * or, as with what was imported, never was one here. False while the library is not read.
 */
export function isChatGone(library: Pick<Library, "entries" | "loaded">, id: ConversationId): boolean {
  const entry = library.entries().find((one) => one.id === id);
  return entry === undefined ? library.loaded() : entry.erased;
}
