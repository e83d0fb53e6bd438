/** Keeps the tabs of one browser from doing the same thing at once. */
export interface Locks {
  /** Runs `work` while no other tab runs work under this name. Rejects with the signal's reason if it ends while waiting. */
  hold<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

/** For browsers without Web Locks: what it guards is idempotent on the server, so it is only less tidy. */
export const noLocks: Locks = { hold: async (_name, _signal, work) => await work() };

/** Web Locks (https://w3c.github.io/web-locks/) where the browser has them. */
export function createLocks(manager: LockManager | undefined): Locks {
  if (!manager) return noLocks;
  return { hold: async (name, signal, work) => await manager.request(name, { signal }, work) };
}
