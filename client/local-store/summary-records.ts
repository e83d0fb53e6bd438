import { listPlace } from "./library-state.ts";
import type { SummaryRecord } from "./local-store.ts";
import type { Transaction, Upgrade } from "./open-database.ts";
import { readMany } from "./read-many.ts";
import { isSummaryRecord } from "./stored-records.ts";

// The records of the library in the database. They are indexed by their place in the list, so that its first rows can be
// read, and shown, long before all of them are.

type AnyTransaction = Transaction<"readonly"> | Transaction<"readwrite">;

/** How many are read at once: some milliseconds of the page's time, between which it can paint. */
const READ_AT_ONCE = 500;

/** A record that cannot be read is as good as none: the feed brings it again. */
export async function readSummary(transaction: AnyTransaction, id: string): Promise<SummaryRecord | undefined> {
  const stored: unknown = await transaction.objectStore("summaries").get(id);
  return isSummaryRecord(stored) ? stored : undefined;
}

/** Those of these records that are there and can be read. */
export async function readSomeSummaries(
  transaction: Transaction<"readwrite">,
  ids: readonly string[],
): Promise<ReadonlyMap<string, SummaryRecord>> {
  const stored = await readMany(transaction, "summaries", ids);
  return new Map([...stored].flatMap(([id, record]) => (isSummaryRecord(record) ? [[id, record]] : [])));
}

export async function putSummary(transaction: Transaction<"readwrite">, record: SummaryRecord): Promise<void> {
  await transaction.objectStore("summaries").put({ ...record, listed: listPlace(record) });
}

/** Gives all records their places, which a version of the app did not know that stored them. */
export async function placeSummaries(upgrade: Upgrade): Promise<void> {
  let cursor = await upgrade.objectStore("summaries").openCursor();
  while (cursor) {
    const record: unknown = cursor.value;
    const placed = isSummaryRecord(record) && cursor.update({ ...record, listed: listPlace(record) });
    [cursor] = await Promise.all([cursor.continue(), placed]);
  }
}

/** The records at the head of the list. */
export async function readFirstSummaries(transaction: AnyTransaction, most: number): Promise<SummaryRecord[]> {
  const store = transaction.objectStore("summaries");
  // On a device without any room the index could not be made: then all of it is read at once, as before.
  if (!store.indexNames.contains("listed")) return [];
  const records: unknown[] = await store.index("listed").getAll(undefined, most);
  return records.filter(isSummaryRecord);
}

/** All records, readable or not. */
export async function readSummaries(transaction: AnyTransaction): Promise<unknown[]> {
  const store = transaction.objectStore("summaries");
  const all: unknown[] = [];
  let range: IDBKeyRange | undefined;
  for (;;) {
    const [keys, some] = await Promise.all([store.getAllKeys(range, READ_AT_ONCE), store.getAll(range, READ_AT_ONCE)]);
    all.push(...some);
    const last = keys.at(-1);
    if (last === undefined || keys.length < READ_AT_ONCE) return all;
    range = IDBKeyRange.lowerBound(last, true);
  }
}
