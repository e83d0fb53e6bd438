import { IDBFactory, IDBObjectStore, forceCloseDatabase } from "fake-indexeddb";

/** An empty IndexedDB whose writes fail, and whose connections close, when a test says so. */
export interface FailingIndexedDb {
  /** Fails writes by number, from 1, counted from now: at commit, as a full disk does, after the request succeeded. */
  failWrites(fails: (write: number) => boolean): void;
  /** Lets writes succeed again; answers how many were made since `failWrites`. */
  heal(): number;
  /** Fails writes of documents and updates with more bytes than this. */
  failLargerThan(bytes: number): void;
  /** From now on the app is one of a database version later. */
  raiseVersions(): void;
  /** Keeps back what the browser answers to each `open`; answers how to let it go. */
  holdOpening(): () => void;
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

  let raised = 0;
  let largest = Infinity;
  let held: (() => void)[] | undefined;

  const openOriginal = factory.open.bind(factory);
  factory.open = (name: string, version?: number) => {
    const request = openOriginal(name, version === undefined ? undefined : version + raised);
    if (held) held.push(holdEvents(request));
    request.addEventListener("success", () => open.push(request.result));
    return request;
  };

  const prototype = IDBObjectStore.prototype as unknown as Record<"add" | "put", (...args: unknown[]) => IDBRequest>;
  for (const method of ["add", "put"] as const) {
    const original = originals[method];
    prototype[method] = function failing(this: IDBObjectStore, ...args: unknown[]): IDBRequest {
      const request = original.apply(this, args);
      writes++;
      if (fails?.(writes) || sizeOf(args[0]) > largest) {
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
    failLargerThan: (bytes) => void (largest = bytes),
    raiseVersions: () => void (raised += 1),
    holdOpening() {
      held = [];
      return () => {
        for (const letGo of held ?? []) letGo();
        held = undefined;
      };
    },
    heal() {
      largest = Infinity;
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

/** Keeps the events of a request back; answers how to deliver them. */
function holdEvents(request: IDBOpenDBRequest): () => void {
  const waiting: Event[] = [];
  request.dispatchEvent = (event) => waiting.push(event) > 0;
  return () => {
    Reflect.deleteProperty(request, "dispatchEvent");
    for (const event of waiting) request.dispatchEvent(event);
  };
}

const sizeOf = (record: unknown): number => {
  const { bytes, state } = (record ?? {}) as { bytes?: unknown; state?: unknown };
  return [bytes, state].reduce<number>((sum, one) => sum + (one instanceof Uint8Array ? one.length : 0), 0);
};

const originals = {
  add: IDBObjectStore.prototype.add as (...args: unknown[]) => IDBRequest,
  put: IDBObjectStore.prototype.put as (...args: unknown[]) => IDBRequest,
};
