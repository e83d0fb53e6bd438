import * as Y from "yjs";
import type { MessageId } from "#shared/domain/ids.ts";

// How messages are written; each call is part of a transaction of whoever calls. `message-map.ts` reads them.

/** Writes a message; fields that are `undefined` are left out. */
export function putMessage(
  messages: Y.Map<unknown>,
  id: MessageId,
  fields: Record<string, unknown>,
  text: string,
): void {
  const map = new Y.Map<unknown>();
  messages.set(id, map);
  for (const [key, value] of Object.entries(fields)) if (value !== undefined) map.set(key, value);
  map.set("text", new Y.Text(text));
}

export function appendReasoning(map: Y.Map<unknown>, reasoning: string): void {
  const current = map.get("reasoning");
  if (current instanceof Y.Text) current.insert(current.length, reasoning);
  else map.set("reasoning", new Y.Text(reasoning));
}
