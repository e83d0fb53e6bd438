import { IDBFactory, IDBObjectStore, forceCloseDatabase } from "fake-indexeddb";

/** An empty IndexedDB whose writes fail, and whose connections close, when a test says so. */
export interface FailingIndexedDb {
  /** Fails writes by number, from 1, counted from now: at commit, as a full disk does, after the request succeeded. */
  failWrites(fails: (write: number) => boolean): void;
  /** Lets writes succeed again; answers how many were made since `failWrites`. */
  heal(): number;
  /** The browser closes every connection, as on eviction. */
  forceClose(): void;
  databases(): readonly IDBDatabase[];
}

/** fake-indexeddb's own way to end a transaction as the browser does, with an error of its own */
const ABORT = "_abort";
type AbortableTransaction = Record<typeof ABORT, (error: string) => void>;

/** Makes it the global one. */
export function installFailingIndexedDb(): FailingIndexedDb {
  const factory = new IDBFactory();
  globalThis.indexedDB = factory;
  const open: IDBDatabase[] = [];
  let fails: ((write: number) => boolean) | undefined;
  let writes = 0;

  const openOriginal = factory.open.bind(factory);
  factory.open = (name: string, version?: number) => {
    const request = openOriginal(name, version);
    request.addEventListener("success", () => open.push(request.result));
    return request;
  };

  const prototype = IDBObjectStore.prototype as unknown as Record<"add" | "put", (...args: unknown[]) => IDBRequest>;
  for (const method of ["add", "put"] as const) {
    const original = originals[method];
    prototype[method] = function failing(this: IDBObjectStore, ...args: unknown[]): IDBRequest {
      const request = original.apply(this, args);
      writes++;
      if (fails?.(writes)) {
        const transaction = this.transaction as unknown as AbortableTransaction;
        request.addEventListener("success", () => transaction[ABORT]("QuotaExceededError"));
      }
      return request;
    };
  }

  return {
    failWrites(next) {
      fails = next;
      writes = 0;
    },
    heal() {
      fails = undefined;
      return writes;
    },
    forceClose() {
      for (const database of open.splice(0)) {
        forceCloseDatabase(database as unknown as Parameters<typeof forceCloseDatabase>[0]);
      }
    },
    databases: () => open,
  };
}

const originals = {
  add: IDBObjectStore.prototype.add as (...args: unknown[]) => IDBRequest,
  put: IDBObjectStore.prototype.put as (...args: unknown[]) => IDBRequest,
};
