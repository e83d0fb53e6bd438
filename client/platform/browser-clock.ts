import type { Clock } from "./platform.ts";

/** Browsers treat a longer timeout as none at all. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The clock and timers of this browser. */
export const browserClock: Clock = {
  now: () => Date.now(),
  steady: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, ms), LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
