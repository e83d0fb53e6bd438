import { useCallback, useRef, useSyncExternalStore } from "react";

interface Watchable {
  subscribe(listener: () => void): () => void;
}

/**
 * What `read` answers, read again whenever the source says that something changed. Answers that `equal` takes
 * for the same keep their identity, so that a component renders only for what it shows.
 */
export function useWatched<T>(source: Watchable, read: () => T, equal: (a: T, b: T) => boolean = Object.is): T {
  const last = useRef<{ value: T } | undefined>(undefined);
  const subscribe = useCallback((listener: () => void) => source.subscribe(listener), [source]);
  return useSyncExternalStore(subscribe, () => {
    const value = read();
    if (last.current && equal(last.current.value, value)) return last.current.value;
    last.current = { value };
    return value;
  });
}

/** Whether two plain values read the same, field by field. */
export const sameFields = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);
