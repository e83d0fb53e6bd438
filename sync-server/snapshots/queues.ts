/** Lets what is done under one name happen one after the other. */
export interface Queues {
  pass<T>(name: string, run: () => Promise<T>): Promise<T>;
}

async function after<T>(before: Promise<void> | undefined, run: () => Promise<T>): Promise<T> {
  await before;
  return await run();
}

export function createQueues(): Queues {
  const last = new Map<string, Promise<void>>();

  return {
    pass(name, run) {
      const result = after(last.get(name), run);
      const forget = (): void => {
        if (last.get(name) === done) last.delete(name);
      };
      // Whoever comes next only waits for the end, whichever it is.
      const done: Promise<void> = result.then(forget, forget);
      last.set(name, done);
      return result;
    },
  };
}
