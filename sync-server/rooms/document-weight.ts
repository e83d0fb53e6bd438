import * as Y from "yjs";

/**
 * What a live document costs of the heap, by measurement (Node 20): its text about as many bytes as encoded, and each
 * struct 200 (a run of characters) to 620 bytes (a message with its maps). A conversation of 600 bytes a message comes
 * to five or six times its encoded size, one of single characters and keys to twenty.
 */
const STRUCT_BYTES = 500;
/** an empty one, with its room */
const DOCUMENT_BYTES = 50_000;
/** plain values inside plain values: an object or array, and one entry of it */
const CONTAINER_BYTES = 128;
const ENTRY_BYTES = 32;
/** No update takes more of the heap than so many times its length (measured: 24, empty maps; 33, empty objects). */
const MOST_TIMES_ENCODED = 36;

/** An upper bound that costs nothing to compute. */
export const heaviest = (updates: readonly Uint8Array[]): number =>
  DOCUMENT_BYTES + bytesOf(updates) * MOST_TIMES_ENCODED;

/** @param encoded bytes of the updates the document was made of */
export const weightOfDocument = (doc: Y.Doc, encoded: number, values: number): number =>
  DOCUMENT_BYTES + encoded + values + STRUCT_BYTES * structsOf(doc);

const structsOf = (doc: Y.Doc): number =>
  [...doc.store.clients.values()].reduce((sum, structs) => sum + structs.length, 0);

/**
 * What updates will take of the heap once they are integrated, without keeping more than one struct at a time.
 * @param updates which are known to keep the limits of `decodeUpdate`: one struct may be all of one
 */
export function weightOfUpdates(updates: readonly Uint8Array[]): number {
  let structs = 0;
  let values = 0;
  class WeighingDecoder extends Y.UpdateDecoderV1 {
    override readInfo(): number {
      structs += 1;
      return super.readInfo();
    }
    override readAny(): unknown {
      const value: unknown = super.readAny();
      values += weightOfValue(value);
      return value;
    }
  }
  for (const update of updates) {
    try {
      Y.parseUpdateMetaV2(update, WeighingDecoder);
    } catch {
      // What cannot be read is refused where it is judged, and takes nothing.
    }
  }
  return DOCUMENT_BYTES + bytesOf(updates) + values + STRUCT_BYTES * structs;
}

/** What a transaction changes in what plain values take. To be asked before what it deleted is collected. */
export function weightOfChange(transaction: Y.Transaction): number {
  let weight = weightOfValues(transaction.doc, transaction.beforeState, transaction.afterState);
  Y.iterateDeletedStructs(transaction, transaction.deleteSet, (struct) => (weight -= weightOfStruct(struct)));
  return weight;
}

/** What the plain values of structs take that came between two states (clocks by clientID). */
function weightOfValues(doc: Y.Doc, before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number {
  let weight = 0;
  for (const [client, clock] of after) {
    const known = before.get(client) ?? 0;
    const structs = doc.store.clients.get(client);
    if (clock <= known || structs === undefined) continue;
    for (let at = Y.findIndexSS(structs, known); at < structs.length; at++) {
      const struct = structs[at];
      if (struct) weight += weightOfStruct(struct);
    }
  }
  return weight;
}

const weightOfStruct = (struct: Y.GC | Y.Item): number =>
  struct instanceof Y.Item && struct.content instanceof Y.ContentAny
    ? struct.content.arr.reduce((sum: number, value: unknown) => sum + weightOfValue(value), 0)
    : 0;

function weightOfValue(value: unknown): number {
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return 0;
  return Object.values(value).reduce(
    (sum: number, entry: unknown) => sum + ENTRY_BYTES + weightOfValue(entry),
    CONTAINER_BYTES,
  );
}

const bytesOf = (updates: readonly Uint8Array[]): number =>
  updates.reduce((sum, { byteLength }) => sum + byteLength, 0);
