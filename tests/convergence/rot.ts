import * as Y from "yjs";
import type { Chance } from "./world.ts";

/**
 * One character of a draft turns into another, in memory and without a word, as a flipped bit does. The clocks
 * stay as they are: only the digest can tell. Answers whether there was anything to rot.
 */
export function rot(doc: Y.Doc, chance: Chance): boolean {
  const draft = doc.getText("draft");
  const strings: Y.ContentString[] = [];
  for (const struct of [...doc.store.clients.values()].flat())
    if (
      struct instanceof Y.Item &&
      struct.parent === draft &&
      !struct.deleted &&
      struct.content instanceof Y.ContentString
    )
      strings.push(struct.content);
  const one = strings[chance.below(strings.length || 1)];
  if (one === undefined) return false;
  const at = chance.below(one.str.length);
  one.str = `${one.str.slice(0, at)}#${one.str.slice(at + 1)}`;
  return true;
}
