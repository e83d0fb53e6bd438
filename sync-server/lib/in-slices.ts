import { setImmediate } from "node:timers/promises";
import { createTurnstile } from "./turnstile.ts";

/** How long work goes on before others have their turn, in ms: a keystroke's acknowledgement waits no longer for it. */
const SLICE_MS = 10;

/** Of the whole process, as the event loop is: slices of many requests one right after the other would be a long one. */
const slices = createTurnstile(1);

/**
 * What steps come to, taken in slices between which the event loop serves everybody else. A slice ends with the first
 * step that passes its time, so none may be long by itself. Rejects with what a step throws.
 * @param now ms of a clock that never goes back
 */
export async function inSlices<T>(steps: Generator<void, T>, now: () => number = () => performance.now()): Promise<T> {
  for (;;) {
    const step = await slices.pass(() => takeSlice(steps, now));
    if (step.done) return step.value;
  }
}

async function takeSlice<T>(steps: Generator<void, T>, now: () => number): Promise<IteratorResult<void, T>> {
  const until = now() + SLICE_MS;
  try {
    for (;;) {
      const step = steps.next();
      if (step.done || now() >= until) return step;
    }
  } finally {
    await setImmediate();
  }
}
