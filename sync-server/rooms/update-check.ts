import * as Y from "yjs";
import type { NackCode } from "#shared/protocol/sync-frames.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { decodeUpdate, referencesOf } from "./update-decode.ts";
import type { DecodedUpdate, Struct } from "./update-decode.ts";
import { DOCUMENT_LIMITS, UPDATE_LIMITS } from "./update-limits.ts";
import { containerKind, createPlaces, createStructIndex, isSamePlace } from "./update-places.ts";
import type { Place, StructIndex } from "./update-places.ts";

/** Which actor first wrote under each Yjs clientID of the document. */
export type ClientBindings = ReadonlyMap<number, string>;

/** The actor the relay is logged under, as `actorOf` says. No account's actor can be this word. */
export const RELAY_ACTOR = "relay";

type Refusal = Extract<NackCode, "gap" | "denied" | "invalid" | "quota">;

/**
 * Judges an update before the document is touched: it decodes (R2), everything it refers to is known or in
 * it (R4), its new structs stand under clientIDs of this actor (R3) and are content a conversation may hold.
 * Structs that the document already has may be anybody's: devices resend what they received.
 * @returns the clientIDs the update uses for the first time, to be bound to the actor
 */
export function checkUpdate(
  doc: Y.Doc,
  bindings: ClientBindings,
  actor: string,
  update: Uint8Array,
): Result<number[], Refusal> {
  const decoded = decodeUpdate(update);
  if (decoded === undefined) return err("invalid");
  const byClient = structsByClient(decoded.structs);
  if (!byClient.ok) return byClient;
  const index = createStructIndex(byClient.value);

  const refusal = gapIn(doc, decoded, byClient.value, index) ?? contentRefusal(doc, decoded.structs, index);
  if (refusal !== undefined) return err(refusal);
  return bindingsFor(doc, bindings, actor, byClient.value);
}

// One run of consecutive clocks for each client, as `encodeStateAsUpdate` writes them: of two runs Yjs would take
// the last. A hole stands for structs its sender lacks itself, so it is a gap and not an attack.
function structsByClient(structs: readonly Struct[]): Result<Map<number, Struct[]>, Refusal> {
  const byClient = new Map<number, Struct[]>();
  let current: Struct[] = [];
  let previous: Struct | undefined;
  for (const struct of structs) {
    if (struct instanceof Y.Skip) return err("gap");
    if (struct.length < 1 || struct.length > UPDATE_LIMITS.structLength) return err("invalid");
    if (previous?.id.client !== struct.id.client) {
      if (byClient.has(struct.id.client)) return err("invalid");
      current = [];
      byClient.set(struct.id.client, current);
    } else if (struct.id.clock !== previous.id.clock + previous.length) return err("invalid");
    current.push(struct);
    previous = struct;
  }
  return ok(byClient);
}

function gapIn(
  doc: Y.Doc,
  decoded: DecodedUpdate,
  byClient: ReadonlyMap<number, readonly Struct[]>,
  index: StructIndex,
): Refusal | undefined {
  const known = (id: Y.ID): boolean => id.clock < Y.getState(doc.store, id.client) || index.find(id) !== undefined;
  for (const [client, structs] of byClient) {
    if ((structs[0]?.id.clock ?? 0) > Y.getState(doc.store, client)) return "gap";
  }
  for (const struct of decoded.structs) {
    for (const id of referencesOf(struct)) {
      // Nobody can refer to what they write later themselves; Yjs throws half way through such an update.
      if (id.client === struct.id.client && id.clock >= struct.id.clock) return "invalid";
      if (!known(id)) return "gap";
    }
  }
  return deletesGap(doc, decoded, index) ? "gap" : undefined;
}

// A deleted range of the future would be kept pending and erase text its author has not written yet.
function deletesGap(doc: Y.Doc, decoded: DecodedUpdate, index: StructIndex): boolean {
  for (const [client, ranges] of decoded.ds.clients) {
    const end = Math.max(Y.getState(doc.store, client), index.end(client) ?? 0);
    if (ranges.some((range) => range.clock + range.len > end)) return true;
  }
  return false;
}

// Of an item whose beginning is known Yjs links the rest to that beginning, and keeps the place the sender gave. Were
// the beginning garbage it would throw half way; were it elsewhere, two lists would be knotted together.
function contentRefusal(doc: Y.Doc, structs: readonly Struct[], index: StructIndex): Refusal | undefined {
  const placeOf = createPlaces(doc, index);
  for (const struct of structs) {
    if (!(struct instanceof Y.Item)) continue;
    const known = Y.getState(doc.store, struct.id.client);
    if (known > struct.id.clock && tearsCharacter(doc, struct)) return "invalid";
    if (struct.id.clock + struct.length <= known) continue;
    const place = placeOf(struct);
    if (!mayHold(place, struct.content)) return "invalid";
    if (place.type === "in" && known > struct.id.clock) {
      const beginning = Y.getItem(doc.store, Y.createID(struct.id.client, known - 1));
      if (!(beginning instanceof Y.Item) || !isSamePlace(placeOf(beginning), place)) return "invalid";
    }
  }
  return undefined;
}

/**
 * Whether the neighbours an item names stand at the two halves of one character (a surrogate pair). Yjs looks for them
 * also where it has the item already, parts what lies between them, and makes two U+FFFD of such a character, in this
 * copy only, for nothing of it is emitted. An honest item that did so parted them when it came.
 */
function tearsCharacter(doc: Y.Doc, { origin, rightOrigin }: Y.Item): boolean {
  const cuts = [origin && Y.createID(origin.client, origin.clock + 1), rightOrigin].filter((id) => id !== null);
  return cuts.some(({ client, clock }) => {
    if (clock === 0 || clock >= Y.getState(doc.store, client)) return false;
    const item = Y.getItem(doc.store, Y.createID(client, clock));
    const before = clock - item.id.clock - 1;
    if (before < 0 || !(item instanceof Y.Item) || !(item.content instanceof Y.ContentString)) return false;
    return /[\ud800-\udbff]/.test(item.content.str.charAt(before));
  });
}

function mayHold(place: Place, content: Y.Item["content"]): boolean {
  if (place.type === "nowhere" || !isAllowed(content)) return false;
  if (place.type === "gone") return true;
  // A list item under a map is stored but invisible; an attribute of a text likewise.
  if ((place.kind === "map") !== (place.key !== null)) return false;
  // A key has one value. Of several in one item a part could be deleted, and copies would differ in which.
  if (place.kind === "map" && content.getLength() > 1 && !(content instanceof Y.ContentDeleted)) return false;
  return place.key !== "__proto__" && place.depth + depthOf(content) <= UPDATE_LIMITS.nesting;
}

const isAllowed = (content: Y.Item["content"]): boolean =>
  content instanceof Y.ContentString ||
  content instanceof Y.ContentAny ||
  content instanceof Y.ContentBinary ||
  content instanceof Y.ContentDeleted ||
  containerKind(content) !== undefined;

const depthOf = (content: Y.Item["content"]): number =>
  content instanceof Y.ContentAny ? deepestOf(content.arr, 0) : 0;

const deepestOf = (values: readonly unknown[], depth: number): number =>
  values.reduce((deepest: number, value) => Math.max(deepest, valueDepth(value, depth)), depth);

/** How many containers deep a plain value goes; one with a prototype of its own counts as too deep. */
function valueDepth(value: unknown, depth: number): number {
  if (depth > UPDATE_LIMITS.nesting || value === null || typeof value !== "object" || value instanceof Uint8Array) {
    return depth;
  }
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return Infinity;
  return deepestOf(Object.values(value), depth + 1);
}

function bindingsFor(
  doc: Y.Doc,
  bindings: ClientBindings,
  actor: string,
  byClient: ReadonlyMap<number, readonly Struct[]>,
): Result<number[], Refusal> {
  const fresh: number[] = [];
  for (const [client, structs] of byClient) {
    const last = structs.at(-1);
    const isNew = last !== undefined && last.id.clock + last.length > Y.getState(doc.store, client);
    if (!isNew) continue;
    const bound = client === doc.clientID ? RELAY_ACTOR : bindings.get(client);
    if (bound === undefined) fresh.push(client);
    else if (bound !== actor) return err("denied");
  }
  if (fresh.length > UPDATE_LIMITS.newClients) return err("invalid");
  return bindings.size + fresh.length > DOCUMENT_LIMITS.clients ? err("quota") : ok(fresh);
}
