import { deleteDB, openDB } from "idb";
import type { Clock } from "#client/platform/platform.ts";

/** ms that another tab, which may be frozen, is waited for */
const LET_GO_MS = 3_000;

/** Deletes a database, or at least what is in it where another tab does not let go of it. Answers whether it is gone. */
export async function removeDatabase(name: string, clock: Pick<Clock, "after">): Promise<boolean> {
  // Whoever opens a database behind a deletion that waits has to wait too: what is in it goes first.
  await within(LET_GO_MS, clock, emptyDatabase(name));
  const gone = await within(
    LET_GO_MS,
    clock,
    deleteDB(name).then(() => true),
  );
  return gone === true;
}

/** Clears every store, whichever version of the app made them, in one transaction. */
async function emptyDatabase(name: string): Promise<void> {
  const db = await openDB(name, undefined, { blocking: (_current, _blocked, event) => closeOf(event).close() });
  try {
    const stores = [...db.objectStoreNames];
    if (stores.length === 0) return;
    const transaction = db.transaction(stores, "readwrite", { durability: "strict" });
    await Promise.all([...stores.map((store) => transaction.objectStore(store).clear()), transaction.done]);
  } finally {
    db.close();
  }
}

const closeOf = (event: IDBVersionChangeEvent): IDBDatabase => event.target as IDBDatabase;

/** What it answers, or `undefined` where it fails or takes longer. */
export function within<T>(ms: number, clock: Pick<Clock, "after">, work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    const stop = clock.after(ms, () => resolve(undefined));
    work.then(resolve, () => resolve(undefined)).finally(stop);
  });
}
