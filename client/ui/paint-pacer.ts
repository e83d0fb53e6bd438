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

/** A commit that takes longer than the frame it waits for is followed by so many times more rest … */
const FRAME_MS = 16;
const REST_FACTOR = 3;
/** … up to this: a page that was hidden meanwhile did not work all the time. */
const MAX_REST_MS = 1000;

/**
 * Gathers what changed and commits it at most once per interval: before a paint while the page is visible, by a
 * timer while it is hidden, because frames stop there. Where a commit and its paint take long, the next ones come later.
 */
export function createPaintPacer(schedule: PaintSchedule) {
  const waiting = new Set<() => void>();
  let armed: object | undefined;
  let last = Number.NEGATIVE_INFINITY;
  let rest = 0;

  function flush(token: object): void {
    if (armed !== token) return;
    armed = undefined;
    last = schedule.now();
    const due = [...waiting];
    waiting.clear();
    for (const commit of due) commit();
    measure();
  }

  /** What is committed is rendered before the next frame and painted with it; a timer set in it comes after that. */
  function measure(): void {
    const began = last;
    if (!schedule.visible()) {
      rest = 0;
      return;
    }
    schedule.onFrame(() =>
      schedule.after(0, () => {
        const over = schedule.now() - began - FRAME_MS;
        rest = Math.min(MAX_REST_MS, Math.max(0, over * REST_FACTOR));
      }),
    );
  }

  const owed = (): number => Math.max(0, last + Math.max(schedule.interval(), rest) - schedule.now());

  function arm(): void {
    const token = {};
    armed = token;
    if (!schedule.visible()) return schedule.after(owed(), () => flush(token));
    const paint = (): void => {
      if (armed !== token) return;
      // What the last commit took may be known only now.
      if (owed() > 0) return arm();
      schedule.onFrame(() => flush(token));
      schedule.after(FRAME_PATIENCE_MS, () => flush(token));
    };
    if (owed() > 0) schedule.after(owed(), paint);
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
