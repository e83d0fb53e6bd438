/** A tab that can die: nothing it stores, sends or says afterwards has any effect. */
export interface Life {
  ended: boolean;
}

/**
 * Makes IndexedDB one whose connections end with the tab that opened them, and answers how to give the real one back.
 * @param atTransaction told of each transaction before it begins, and once it is complete
 */
export function installMortalIndexedDb(
  life: Life,
  atTransaction: (when: "before" | "after", mode: IDBTransactionMode) => void,
): () => void {
  const real = globalThis.indexedDB;
  const open = (name: string, version?: number): IDBOpenDBRequest => {
    const request = real.open(name, version);
    request.addEventListener("success", () => makeMortal(request.result, life, atTransaction));
    return request;
  };
  globalThis.indexedDB = { open } as unknown as IDBFactory;
  return () => void (globalThis.indexedDB = real);
}

function makeMortal(
  db: IDBDatabase,
  life: Life,
  atTransaction: (when: "before" | "after", mode: IDBTransactionMode) => void,
): void {
  const begin = db.transaction.bind(db);
  db.transaction = (...args: Parameters<IDBDatabase["transaction"]>) => {
    if (!life.ended) atTransaction("before", args[1] ?? "readonly");
    if (life.ended) throw new DOMException("the tab is gone", "AbortError");
    const transaction = begin(...args);
    transaction.addEventListener("complete", () => life.ended || atTransaction("after", transaction.mode));
    return transaction;
  };
}
