import "fake-indexeddb/auto";
import { IDBFactory, IDBObjectStore, forceCloseDatabase } from "fake-indexeddb";
import type { Chance, World } from "./world.ts";

/** What the store of one device does to its tabs. */
export interface DeviceStore {
  /** the disk is full: each write fails as its transaction would commit */
  full: boolean;
  /** per write: the transaction is aborted by the browser */
  aborts: number;
  /** The browser closes every connection. */
  closeAll(): void;
  /** Everything stored is gone, and connections with it. */
  evict(): void;
}

export interface SimulatedStores {
  device(name: string): DeviceStore;
  /** The name to open a tab's database under; the database itself belongs to its device. */
  accountOf(device: string, tab: string): string;
  /**
   * The tab is gone: what it asks for from now on goes nowhere.
   * @param cleanly whether the transactions under way complete; else they are undone
   */
  killTab(tab: string, cleanly: boolean): void;
  /** Gives the globals back. */
  uninstall(): void;
}

/** fake-indexeddb's own way to end a transaction as the browser does, with an error of its own */
const ABORT = "_abort";
type AbortableTransaction = Record<typeof ABORT, (error: string) => void>;
type Method = (this: IDBObjectStore, ...args: unknown[]) => IDBRequest;
type Methods = Record<"add" | "put", Method>;

interface Device extends DeviceStore {
  factory: IDBFactory;
}

interface Tab {
  device: Device;
  dead: boolean;
  connections: Set<IDBDatabase>;
}

const SEPARATOR = "~";

/**
 * The IndexedDB of all devices, in simulated time: fake-indexeddb takes its turns from `setImmediate`, which
 * is the world's while this is installed. Turns keep their order, as the tasks of one browser do.
 */
export function installStores(world: World): SimulatedStores {
  const chance = world.chance("stores");
  const devices = new Map<string, Device>();
  const tabs = new Map<string, Tab>();
  const tabOf = new WeakMap<IDBDatabase, Tab>();
  const restoreTurns = replaceTurns(world, chance);
  const nowhere = new IDBFactory();

  function device(name: string): Device {
    const known = devices.get(name);
    if (known) return known;
    const one: Device = {
      factory: new IDBFactory(),
      full: false,
      aborts: 0,
      closeAll: () => closeAll(one),
      evict() {
        one.factory = new IDBFactory();
        closeAll(one);
      },
    };
    devices.set(name, one);
    return one;
  }

  function closeAll(of: Device): void {
    for (const tab of tabs.values()) if (tab.device === of) for (const db of tab.connections) forceClose(db);
  }

  function open(name: string, version?: number): IDBOpenDBRequest {
    const [scope = "", rest = ""] = name.split(`${SEPARATOR}:`);
    const tab = tabs.get(scope);
    if (tab === undefined || tab.dead) return nowhere.open(name, version);
    const request = tab.device.factory.open(rest, version);
    request.addEventListener("success", () => {
      tab.connections.add(request.result);
      tabOf.set(request.result, tab);
    });
    return request;
  }

  const restoreWrites = failWrites((store) => {
    const tab = tabOf.get(store.transaction.db);
    if (tab === undefined) return undefined;
    if (tab.device.full) return "QuotaExceededError";
    return chance.is(tab.device.aborts) ? "UnknownError" : undefined;
  });
  globalThis.indexedDB = { open } as unknown as IDBFactory;

  return {
    device,
    accountOf(name, tab) {
      const scope = `holdfast:${tab}`;
      tabs.set(scope, { device: device(name), dead: false, connections: new Set() });
      return `${tab}${SEPARATOR}`;
    },
    killTab(name, cleanly) {
      const tab = tabs.get(`holdfast:${name}`);
      if (tab === undefined) return;
      tab.dead = true;
      for (const db of tab.connections) {
        if (cleanly) db.close();
        else forceClose(db);
      }
      tab.connections.clear();
    },
    uninstall() {
      // What a dead tab still tries to open must not stay where it would be kept.
      globalThis.indexedDB = nowhere;
      restoreWrites();
      restoreTurns();
    },
  };
}

const forceClose = (db: IDBDatabase): void =>
  forceCloseDatabase(db as unknown as Parameters<typeof forceCloseDatabase>[0]);

function replaceTurns(world: World, chance: Chance): () => void {
  const { setImmediate, clearImmediate } = globalThis;
  let last = 0;
  const simulated = (callback: (...args: unknown[]) => void, ...args: unknown[]): { cancel: () => void } => {
    last = Math.max(last, world.now() + (chance.is(0.01) ? chance.delay(1, 60) : 0));
    return { cancel: world.after(last - world.now(), () => callback(...args)) };
  };
  globalThis.setImmediate = simulated as unknown as typeof setImmediate;
  globalThis.clearImmediate = ((turn?: { cancel: () => void }) => turn?.cancel()) as unknown as typeof clearImmediate;
  return () => Object.assign(globalThis, { setImmediate, clearImmediate });
}

/** @param failureOf the error that ends the transaction of a write at its commit, after the request succeeded */
function failWrites(failureOf: (store: IDBObjectStore) => string | undefined): () => void {
  const prototype = IDBObjectStore.prototype as unknown as Methods;
  const originals: Methods = { add: prototype.add, put: prototype.put };
  for (const method of ["add", "put"] as const) {
    prototype[method] = function failing(...args) {
      const request = originals[method].apply(this, args);
      const failure = failureOf(this);
      if (failure !== undefined) {
        const transaction = this.transaction as unknown as AbortableTransaction;
        request.addEventListener("success", () => transaction[ABORT](failure));
      }
      return request;
    };
  }
  return () => void Object.assign(prototype, originals);
}
