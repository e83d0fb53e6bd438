import type { Clock } from "#client/platform/platform.ts";

export interface FakeClock extends Clock {
  /** Moves time on, calling timers in the order they are due, those they start among them. */
  advance(ms: number): void;
  /** how many timers wait */
  pending(): number;
}

/** A clock that stands still until the test moves it. */
export function createFakeClock(startAt = Date.UTC(2026, 0, 1)): FakeClock {
  let now = startAt;
  let made = 0;
  const timers = new Map<number, { at: number; callback: () => void }>();

  const nextDue = (until: number): [number, { at: number; callback: () => void }] | undefined =>
    [...timers].filter(([, { at }]) => at <= until).toSorted(([a, x], [b, y]) => x.at - y.at || a - b)[0];

  return {
    now: () => now,
    after(ms, callback) {
      const timer = (made += 1);
      timers.set(timer, { at: now + Math.max(0, ms), callback });
      return () => void timers.delete(timer);
    },
    advance(ms) {
      const end = now + ms;
      for (let due = nextDue(end); due !== undefined; due = nextDue(end)) {
        const [timer, { at, callback }] = due;
        timers.delete(timer);
        now = Math.max(now, at);
        callback();
      }
      now = end;
    },
    pending: () => timers.size,
  };
}
