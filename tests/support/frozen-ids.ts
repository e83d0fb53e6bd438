import * as Y from "yjs";
import { openConversation } from "#shared/documents/conversation.ts";
import { freezeConversation } from "#shared/documents/freeze-conversation.ts";
import { checkFrozen, contentIdOf } from "#shared/domain/frozen-content.ts";

// Runs in Node, and bundled in each browser.

/** The id that a conversation freezes to, or why it does not. */
export function frozenId(doc: Y.Doc): string {
  const frozen = freezeConversation(openConversation(doc, "reader"), { author: "account" });
  if (!frozen.ok) return frozen.failure;
  const checked = checkFrozen(frozen.value);
  return checked.ok ? contentIdOf(frozen.value.manifest) : JSON.stringify(checked.failure);
}

/** The same for many, of each everything that was written to it, in base64. */
export const frozenIds = (updates: readonly string[]): string[] =>
  updates.map((text) => {
    const doc = new Y.Doc();
    Y.applyUpdate(
      doc,
      Uint8Array.from(atob(text), (byte) => byte.codePointAt(0) ?? 0),
    );
    return frozenId(doc);
  });
