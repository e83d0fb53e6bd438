import { outsideOfSpans } from "#server/observability/spans.ts";
import { nothing } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { FRAME_GATHER_MS } from "./frames.ts";

/** How often it is looked whose time has come. */
const TICK_MS = FRAME_GATHER_MS / 4;
/** Ticks a run gathers for: between 3 and 4 whole ones, as it begins somewhere within one. */
const TICKS = 4;

export interface FrameClock {
  /** Calls back once, about `FRAME_GATHER_MS` from now; answers how to cancel. */
  after(callback: () => void): () => void;
}

/**
 * The one timer of all runs that gather text. Runs whose time comes in the same tick have their frames stored in one
 * transaction, which costs little more than that of one run.
 */
export function createFrameClock(clock: Clock): FrameClock {
  let slots: Set<() => void>[] = [];
  let ticking = false;

  function tick(): void {
    const due = slots.shift();
    for (const callback of due ?? []) callback();
    ticking = slots.length > 0;
    if (ticking) clock.after(TICK_MS, tick);
  }

  return {
    after(callback) {
      while (slots.length < TICKS) slots.push(new Set());
      const slot = slots[TICKS - 1];
      slot?.add(callback);
      if (!ticking) outsideOfSpans(() => clock.after(TICK_MS, tick));
      ticking = true;
      return slot === undefined ? nothing : () => void slot.delete(callback);
    },
  };
}
