import { nothing } from "./clock.ts";
import type { Clock } from "./clock.ts";

export interface ProviderSlots {
  /** Takes a slot that is free now; answers how to give it back, `undefined` where a call would have to wait. */
  takeNow(key: string, capacity: number): (() => void) | undefined;
  /** Calls of one provider that may run now; further ones wait in order. */
  take(key: string, capacity: number): { slot: Promise<(() => void) | undefined>; cancel(): void };
}

interface Waiter {
  admit(): void;
}

/**
 * Counts the open calls of each provider. `slot` resolves with how to give the slot back, or with
 * `undefined` after `waitMs` of waiting or when cancelled.
 */
export function createProviderSlots(clock: Clock, waitMs: number): ProviderSlots {
  const used = new Map<string, number>();
  const waiting = new Map<string, Waiter[]>();

  function release(key: string): void {
    const next = waiting.get(key)?.shift();
    if (next) next.admit();
    else used.set(key, (used.get(key) ?? 1) - 1);
  }

  const releaseOnce = (key: string): (() => void) => {
    let released = false;
    return () => {
      if (!released) release(key);
      released = true;
    };
  };

  function takeNow(key: string, capacity: number): (() => void) | undefined {
    const count = used.get(key) ?? 0;
    if (count >= capacity) return undefined;
    used.set(key, count + 1);
    return releaseOnce(key);
  }

  return {
    takeNow,
    take(key, capacity) {
      const free = takeNow(key, capacity);
      if (free) return { slot: Promise.resolve(free), cancel() {} };
      let cancel = nothing;
      const slot = new Promise<(() => void) | undefined>((resolve) => {
        const queue = waiting.get(key) ?? [];
        waiting.set(key, queue);
        const waiter: Waiter = {
          admit() {
            cancelTimer();
            resolve(releaseOnce(key));
          },
        };
        queue.push(waiter);
        cancel = () => {
          const at = queue.indexOf(waiter);
          if (at < 0) return;
          queue.splice(at, 1);
          cancelTimer();
          resolve(undefined);
        };
        const cancelTimer = clock.after(waitMs, () => cancel());
      });
      return { slot, cancel: () => cancel() };
    },
  };
}
