import { setImmediate } from "node:timers/promises";

/** How long work goes on before others have their turn, in ms: a keystroke's acknowledgement waits no longer for it. */
const SLICE_MS = 10;

/**
 * What steps come to, taken in slices between which the event loop serves everybody else. A slice ends with the first
 * step that passes its time, so none may be long by itself. Rejects with what a step throws.
 * @param now ms of a clock that never goes back
 */
export async function inSlices<T>(steps: Generator<void, T>, now: () => number = () => performance.now()): Promise<T> {
  let until = now() + SLICE_MS;
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (now() < until) continue;
    await setImmediate();
    until = now() + SLICE_MS;
  }
}
