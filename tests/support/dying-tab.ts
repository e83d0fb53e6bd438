import { IDBDatabase, IDBFactory, IDBIndex, IDBObjectStore, IDBOpenDBRequest, IDBRequest } from "fake-indexeddb";
import { deferred } from "./waiting.ts";

// A tab that dies at a step of a given number: a request to IndexedDB, or what a test calls a step besides. Its
// transactions end undone then, its connections close, and nothing is ever answered to it again.

interface TabLife {
  steps: number;
  lastStep: number;
  dead: boolean;
  connections: Set<IDBDatabase>;
  transactions: Set<IDBTransaction>;
  requests: Set<IDBRequest>;
  died: () => void;
}

let life: TabLife | undefined;

/** Turns of the event loop in which code of a dead tab may still get to a step that has no effect. */
const LAST_TURNS = 20;

/**
 * Lets a tab do its work, and die instead of taking the step of this number, from 1. Answers how many steps it took, and
 * whether it died.
 */
export async function liveUntil(
  lastStep: number,
  work: () => Promise<unknown>,
): Promise<{ steps: number; died: boolean }> {
  const { promise: death, resolve: died } = deferred();
  const own: TabLife = {
    steps: 0,
    lastStep,
    dead: false,
    connections: new Set(),
    transactions: new Set(),
    requests: new Set(),
    died,
  };
  life = own;
  const worked = work().catch((error: unknown) => {
    if (!own.dead) throw error;
  });
  await Promise.race([worked, death]);
  if (own.dead) for (let turn = 0; turn < LAST_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
  life = undefined;
  return { steps: own.steps, died: own.dead };
}

/** Whether the tab lives to take one more step. */
function mayStep(own: TabLife): boolean {
  if (!own.dead && (own.steps += 1) === own.lastStep) die(own);
  return !own.dead;
}

/** To be called before anything else that outlives the tab is changed. */
export function takeStep(): void {
  if (life && !mayStep(life)) throw new DOMException("the tab is gone", "AbortError");
}

function die(own: TabLife): void {
  own.dead = true;
  for (const transaction of own.transactions) transaction.dispatchEvent = () => true;
  for (const request of own.requests) request.dispatchEvent = (event) => undo(request, event);
  for (const transaction of own.transactions) {
    try {
      transaction.abort();
    } catch {
      // complete already
    }
  }
  for (const connection of own.connections) connection.close();
  own.died();
}

/** Nobody hears any more what a request came to, or closes what it opened. */
function undo(request: IDBRequest, { type }: Event): boolean {
  if (type === "upgradeneeded") request.transaction?.abort();
  if (type === "success" && request.result instanceof IDBDatabase) request.result.close();
  return true;
}

type Method = (...args: unknown[]) => unknown;

/** Makes calls of these methods steps; those of a dead tab answer what never comes to be. */
function countCalls(prototype: object, names: readonly string[], never: () => unknown): void {
  const methods = prototype as Record<string, Method>;
  for (const name of names) {
    const original = methods[name];
    if (original === undefined) throw new Error(`there is no ${name}`);
    methods[name] = function stepping(this: unknown, ...args: unknown[]): unknown {
      const own = life;
      if (own && !mayStep(own)) return never();
      const answer = original.apply(this, args);
      if (answer instanceof IDBRequest) own?.requests.add(answer);
      return answer;
    };
  }
}

const neverDone = (): IDBRequest => new IDBRequest();

const READS = ["get", "getKey", "getAll", "getAllKeys", "count", "openCursor", "openKeyCursor"];

/** Makes every request to IndexedDB a step. To be called once. */
export function countRequestsAsSteps(): void {
  countCalls(IDBObjectStore.prototype, [...READS, "add", "put", "delete", "clear"], neverDone);
  countCalls(IDBIndex.prototype, READS, neverDone);
  countCalls(IDBFactory.prototype, ["open", "deleteDatabase"], () => new IDBOpenDBRequest());
  countCalls(IDBFactory.prototype, ["databases"], () => new Promise(() => undefined));
  const { open } = IDBFactory.prototype;
  IDBFactory.prototype.open = function watched(this: IDBFactory, ...args: Parameters<typeof open>) {
    const own = life;
    const opening = open.apply(this, args);
    opening.addEventListener("success", () => own?.connections.add(opening.result));
    opening.addEventListener("upgradeneeded", () => {
      if (opening.transaction) own?.transactions.add(opening.transaction);
    });
    return opening;
  };
  const { transaction } = IDBDatabase.prototype;
  IDBDatabase.prototype.transaction = function watched(this: IDBDatabase, ...args: Parameters<typeof transaction>) {
    const begun = transaction.apply(this, args);
    life?.transactions.add(begun);
    return begun;
  } as typeof transaction;
}
