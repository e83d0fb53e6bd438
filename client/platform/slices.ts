/** How long the page may be kept from anything else, in ms: half of a frame. */
const SLICE_MS = 8;
/** A step may take this long: another one is begun only where it fits. */
const STEP_MS = 3;

/** What a long work needs of its surroundings. */
export interface SliceSchedule {
  /** ms of a clock that never goes back */
  now(): number;
  /** Lets the page do what else there is. */
  pause(): Promise<void>;
}

/** That of this page. */
export const pageSchedule: SliceSchedule = {
  now: () => performance.now(),
  pause: () => new Promise((resolve) => void setTimeout(resolve)),
};

interface SliceOptions {
  onSlice?: () => void;
  signal?: AbortSignal;
  schedule?: SliceSchedule;
}

/**
 * Takes the steps of a long work in slices that keep the page alive. `onSlice` is called after each slice, and once all
 * is done; ends early where the signal says so.
 */
export async function inSlices(
  steps: Iterator<undefined, void>,
  { onSlice, signal, schedule = pageSchedule }: SliceOptions = {},
): Promise<void> {
  for (;;) {
    if (signal?.aborted === true) return;
    const until = schedule.now() + SLICE_MS - STEP_MS;
    let step = steps.next();
    while (step.done !== true && schedule.now() < until) step = steps.next();
    onSlice?.();
    if (step.done === true) return;
    await schedule.pause();
  }
}
