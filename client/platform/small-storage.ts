/** A few short texts that outlive the page, for what must be known before any database is open. */
export interface SmallStorage {
  read(key: string): string | undefined;
  /** Answers false when this browser does not keep it (private mode, full); it is then remembered until the page closes. */
  write(key: string, text: string): boolean;
}

/** `localStorage` or its like, or this page's memory where the browser refuses it. */
export function createSmallStorage(storage: () => Storage): SmallStorage {
  const memory = new Map<string, string>();
  return {
    read(key) {
      try {
        return memory.get(key) ?? storage().getItem(key) ?? undefined;
      } catch {
        return undefined; // refused storage reads as empty storage
      }
    },
    write(key, text) {
      try {
        storage().setItem(key, text);
        memory.delete(key);
        return true;
      } catch {
        memory.set(key, text);
        return false;
      }
    },
  };
}
