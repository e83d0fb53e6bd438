import { AsyncLocalStorage } from "node:async_hooks";

/**
 * While a context is tracked through asynchronous calls, Node 20 runs a hook for every promise, timer and socket of the
 * process. better-auth begins to track with its first request and never ends it; what it tracks is only asked for
 * within its own calls. Runs such a call, and ends the tracking when none is left.
 */
export function createBoundTracking() {
  let underWay = 0;
  return async <T>(call: () => Promise<T>): Promise<T> => {
    underWay += 1;
    try {
      return await call();
    } finally {
      underWay -= 1;
      if (underWay === 0) for (const storage of storagesOfBetterAuth()) storage.disable();
    }
  };
}

/** Where better-auth keeps them for all its copies in a process; empty where another version keeps them elsewhere. */
function storagesOfBetterAuth(): AsyncLocalStorage<unknown>[] {
  const shared = (globalThis as Record<symbol, unknown>)[Symbol.for("better-auth:global")];
  const { context = {} } = (shared ?? {}) as { context?: object };
  return Object.values(context).filter((value) => value instanceof AsyncLocalStorage);
}
