import type { Clock } from "./platform.ts";

/** Calls back before the next picture is drawn. */
export interface Painting {
  /** Answers how to cancel. A hidden page draws nothing, so it calls back by a timer instead. */
  beforeNext(callback: () => void): () => void;
}

/** How often a hidden page may update, in ms. */
const HIDDEN_MS = 50;

/** Painting of this page. `requestAnimationFrame` stops while a page is hidden, also for a frame already asked for. */
export function createPainting(clock: Clock, page: Window = window): Painting {
  return {
    beforeNext(callback) {
      let done = false;
      const once = (): void => {
        if (done) return;
        done = true;
        stop();
        callback();
      };
      const frame = page.document.hidden ? undefined : page.requestAnimationFrame(once);
      const cancelTimer = clock.after(HIDDEN_MS, once);
      const stop = (): void => {
        cancelTimer();
        if (frame !== undefined) page.cancelAnimationFrame(frame);
      };
      return () => {
        done = true;
        stop();
      };
    },
  };
}
