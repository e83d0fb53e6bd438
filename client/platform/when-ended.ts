/** Calls each of these once, in order, when the signal ends. */
export function whenEnded(signal: AbortSignal, ...stops: readonly (() => void)[]): void {
  const stopAll = (): void => {
    for (const stop of stops) stop();
  };
  signal.addEventListener("abort", stopAll, { once: true });
}

/** Resolves when the signal ends. */
export const untilEnded = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else whenEnded(signal, resolve);
  });
