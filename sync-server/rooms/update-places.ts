import * as Y from "yjs";
import { CONVERSATION_ROOTS } from "#shared/documents/conversation.ts";
import type { Struct } from "./update-decode.ts";

/** Where an item lands: in which container (compared by identity), under which key, how deep. */
export type Place =
  | { type: "in"; container: unknown; kind: "map" | "list"; key: string | null; depth: number }
  /** in a container that was deleted: Yjs keeps only its length */
  | { type: "gone" }
  /** nowhere an honest peer could put it */
  | { type: "nowhere" };

const GONE: Place = { type: "gone" };
const NOWHERE: Place = { type: "nowhere" };

/** The structs of one update, found by id. */
export interface StructIndex {
  find(id: Y.ID): Struct | undefined;
  /** the clock after the last struct of a client, or `undefined` for a client without structs */
  end(client: number): number | undefined;
}

export function createStructIndex(byClient: ReadonlyMap<number, readonly Struct[]>): StructIndex {
  return {
    end(client) {
      const last = byClient.get(client)?.at(-1);
      return last && last.id.clock + last.length;
    },
    find(id) {
      const structs = byClient.get(id.client) ?? [];
      let low = 0;
      let high = structs.length - 1;
      while (low <= high) {
        const middle = (low + high) >> 1;
        const struct = structs[middle];
        if (struct === undefined) return undefined;
        if (id.clock < struct.id.clock) high = middle - 1;
        else if (id.clock >= struct.id.clock + struct.length) low = middle + 1;
        else return struct;
      }
      return undefined;
    },
  };
}

/** Whether the item is one the document has integrated, and not one that was just decoded. */
const isOld = (item: Y.Item): boolean => item.parent instanceof Y.AbstractType;

/**
 * Answers where Yjs would integrate the items of an update into a document, before it does. An item names
 * either its parent, or neighbours whose parent it shares; neighbours may themselves be in the update, so
 * chains are followed with a stack of our own: no depth of input overflows ours.
 */
export function createPlaces(doc: Y.Doc, index: StructIndex): (item: Y.Item) => Place {
  const known = new Map<Y.Item, Place | "visiting">();
  const find = (id: Y.ID): Struct | undefined =>
    id.clock < Y.getState(doc.store, id.client) ? Y.getItem(doc.store, id) : index.find(id);

  function settled(item: Y.Item): Place {
    if (isOld(item)) return placeInDocument(item);
    const place = known.get(item);
    return place === undefined || place === "visiting" ? NOWHERE : place;
  }
  function neighbours(item: Y.Item): (Struct | undefined)[] {
    return [item.origin, item.rightOrigin].filter((id) => id !== null).map(find);
  }
  function dependencies(item: Y.Item): Y.Item[] {
    const parent = item.parent instanceof Y.ID ? [find(item.parent)] : [];
    return [...neighbours(item), ...parent].filter((struct): struct is Y.Item => struct instanceof Y.Item);
  }
  function compute(item: Y.Item): Place {
    if (typeof item.parent === "string") return placeInRoot(doc, item.parent, item.parentSub);
    if (item.parent instanceof Y.ID) {
      const parent = find(item.parent);
      return parent instanceof Y.Item ? placeInside(parent, settled(parent), item.parentSub) : GONE;
    }
    return sharedPlace(neighbours(item).map((struct) => (struct instanceof Y.Item ? settled(struct) : GONE)));
  }

  return function placeOf(item) {
    const stack = [item];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const place = known.get(top);
      if (isOld(top) || (place !== undefined && place !== "visiting")) {
        stack.pop();
        continue;
      }
      const open = dependencies(top).filter((one) => !isOld(one) && (known.get(one) ?? "visiting") === "visiting");
      const circular = place === "visiting" && open.length > 0;
      if (open.length === 0 || circular) known.set(top, circular ? NOWHERE : compute(top));
      else {
        known.set(top, "visiting");
        stack.push(...open);
      }
    }
    return settled(item);
  };
}

function placeInRoot(doc: Y.Doc, name: string, key: string | null): Place {
  if (!CONVERSATION_ROOTS.some((root) => root === name)) return NOWHERE;
  return { type: "in", container: doc.share.get(name), kind: name === "draft" ? "list" : "map", key, depth: 1 };
}

function placeInside(parent: Y.Item, parentPlace: Place, key: string | null): Place {
  if (parentPlace.type !== "in") return parentPlace;
  if (parent.content instanceof Y.ContentDeleted) return GONE;
  const kind = containerKind(parent.content);
  if (kind === undefined) return NOWHERE;
  const container = parent.content instanceof Y.ContentType ? parent.content.type : undefined;
  return { type: "in", container, kind, key, depth: parentPlace.depth + 1 };
}

/** What a type may be: exactly these classes (the XML ones inherit from them). */
export function containerKind(content: Y.Item["content"]): "map" | "list" | undefined {
  if (!(content instanceof Y.ContentType)) return undefined;
  const type: unknown = content.type.constructor;
  if (type === Y.Map) return "map";
  return type === Y.Text || type === Y.Array ? "list" : undefined;
}

// Yjs takes the parent of whichever neighbour it reads last; two different ones would knot two lists together.
function sharedPlace(places: readonly Place[]): Place {
  const [first, second] = places;
  if (first === undefined) return NOWHERE;
  if (second === undefined) return first;
  if (first.type !== "in" || second.type !== "in")
    return first.type === "nowhere" ? first : second.type === "nowhere" ? second : GONE;
  return isSamePlace(first, second) ? first : NOWHERE;
}

export const isSamePlace = (one: Place, other: Place): boolean =>
  one.type === "in" && other.type === "in" && one.container === other.container && one.key === other.key;

function placeInDocument(item: Y.Item): Place {
  const container = item.parent;
  if (!(container instanceof Y.AbstractType)) return GONE;
  let depth = 1;
  for (let outer = container.parent; outer !== null; outer = outer.parent) depth += 1;
  return { type: "in", container, kind: container instanceof Y.Map ? "map" : "list", key: item.parentSub, depth };
}
