/** Lets a bounded number of tasks run at once; the others wait, and are let in in the order in which they came. */
export interface Turnstile {
  /** Runs the task when it is its turn, and settles as it does. */
  pass<T>(task: () => Promise<T>): Promise<T>;
}

export function createTurnstile(atOnce: number): Turnstile {
  let running = 0;
  const waiting: (() => void)[] = [];

  async function enter(): Promise<void> {
    if (running >= atOnce) return await new Promise<void>((resolve) => void waiting.push(resolve));
    running += 1;
  }

  /** The place goes to whoever waits longest: nobody who comes meanwhile takes it. */
  function leave(): void {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }

  return {
    async pass(task) {
      await enter();
      try {
        return await task();
      } finally {
        leave();
      }
    },
  };
}
