import type { DatabaseSchema, Transaction } from "./open-database.ts";

/** Up to so many keys, asking for each costs less than looking at all that lie between the first and the last. */
const FEW = 20;
/** How many times what is wanted may lie between the first and the last key: for all of it to be read at once, */
const DENSE = 2;
/** and for all keys to be read. */
const SPARSE = 10;

type Read<N extends "documents" | "summaries"> = ReadonlyMap<string, DatabaseSchema[N]["value"] | undefined>;

/**
 * Reads what a store holds under these keys. A request to the database costs more than the small thing it brings: of many
 * keys, one request tells which are there, and summaries that lie close together are read with one.
 */
export async function readMany<N extends "documents" | "summaries">(
  transaction: Transaction<"readwrite">,
  name: N,
  keys: readonly string[],
): Promise<Read<N>> {
  const store = transaction.objectStore(name);
  const readEach = async (some: readonly string[]): Promise<Read<N>> => {
    const values = await Promise.all(some.map((key) => store.get(key)));
    return new Map(some.map((key, at) => [key, values[at]]));
  };
  if (keys.length <= FEW) return await readEach(keys);
  const sorted = keys.toSorted();
  const range = IDBKeyRange.bound(sorted[0], sorted.at(-1));
  const there = await store.getAllKeys(range, SPARSE * keys.length);
  if (there.length === SPARSE * keys.length) return await readEach(keys);
  const wanted = new Set(keys);
  const found = there.filter((key) => wanted.has(key));
  // A document may be long, and those between were not asked for.
  if (name === "documents" || there.length >= DENSE * found.length) return await readEach(found);
  const values = await store.getAll(range);
  return new Map(there.flatMap((key, at) => (wanted.has(key) ? [[key, values[at]]] : [])));
}
