/** How a pacer reaches the screen and the clock. */
export interface PaintSchedule {
  now(): number;
  visible(): boolean;
  /** calls back before the next paint; not while the page is hidden */
  onFrame(callback: () => void): void;
  after(ms: number, callback: () => void): void;
  /** ms between two commits */
  interval(): number;
}

/** Where frames may stop for good in the middle (the page was hidden), a timer takes over after this. */
const FRAME_PATIENCE_MS = 250;

/**
 * Gathers what changed and commits it at most once per interval: before a paint while the page is visible, by a
 * timer while it is hidden, because frames stop there.
 */
export function createPaintPacer(schedule: PaintSchedule) {
  const waiting = new Set<() => void>();
  let armed: object | undefined;
  let last = Number.NEGATIVE_INFINITY;

  function flush(token: object): void {
    if (armed !== token) return;
    armed = undefined;
    last = schedule.now();
    const due = [...waiting];
    waiting.clear();
    for (const commit of due) commit();
  }

  function arm(): void {
    const token = {};
    armed = token;
    const wait = Math.max(0, last + schedule.interval() - schedule.now());
    if (!schedule.visible()) return schedule.after(wait, () => flush(token));
    const paint = (): void => {
      schedule.onFrame(() => flush(token));
      schedule.after(FRAME_PATIENCE_MS, () => flush(token));
    };
    if (wait > 0) schedule.after(wait, paint);
    else paint();
  }

  return {
    /** Commits soon; asking twice before that commits once. */
    request(commit: () => void): void {
      waiting.add(commit);
      if (!armed) arm();
    },
    /** Forgets a commit that was asked for. */
    forget: (commit: () => void): void => void waiting.delete(commit),
  };
}

const COMMIT_MS = 40;
/** With reduced motion, text arrives in calm steps instead of a typewriter. */
const REDUCED_COMMIT_MS = 1000;

/** The one pacer of this page. */
export const paintPacer = createPaintPacer({
  now: () => performance.now(),
  visible: () => document.visibilityState === "visible",
  onFrame: (callback) => void requestAnimationFrame(callback),
  after: (ms, callback) => void setTimeout(callback, ms),
  interval: () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? REDUCED_COMMIT_MS : COMMIT_MS),
});
