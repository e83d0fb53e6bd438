export interface Deferred<Value> {
  promise: Promise<Value>;
  resolve: (value: Value) => void;
}

/** A promise that is resolved from outside (`Promise.withResolvers` needs Node 22). */
export function deferred<Value = void>(): Deferred<Value> {
  const settle: { with?: (value: Value) => void } = {};
  const promise = new Promise<Value>((resolve) => {
    settle.with = resolve;
  });
  return { promise, resolve: (value) => settle.with?.(value) };
}

/** Resolves after `ms`, or as soon as the signal aborts. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = deferred();
  const timer = setTimeout(resolve, ms);
  const stop = (): void => {
    clearTimeout(timer);
    resolve();
  };
  signal.addEventListener("abort", stop, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", stop));
}

/** Something a test can wait to become true. */
export interface Announcement {
  /** Says that something changed: whoever waits looks again. */
  announce(): void;
  until(condition: () => boolean): Promise<void>;
}

export function createAnnouncement(): Announcement {
  let next = deferred();
  return {
    announce() {
      next.resolve();
      next = deferred();
    },
    async until(condition) {
      while (!condition()) await next.promise;
    },
  };
}
