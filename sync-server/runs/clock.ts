/** Time as the relay needs it. */
export interface Clock {
  /** ms since 1970 */
  now(): number;
  /** ms since some moment, by a clock that nobody sets; absent where `now` is such a clock */
  steady?(): number;
  /** Calls back once after `ms` (never early, by a clock that cannot be set); answers how to cancel. */
  after(ms: number, callback: () => void): () => void;
}

/** Cancels what was never started. */
export const nothing = (): void => undefined;

export const systemClock: Clock = {
  now: () => Date.now(),
  steady: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or as soon as the signal aborts. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal?.addEventListener("abort", done, { once: true });
  });
}
