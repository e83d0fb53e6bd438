/** A typing device sends 4 frames a second; a burst after a reconnect is a few hundred. */
const FRAMES_PER_SECOND = 200;
const BURST_FRAMES = 1_000;

/** A token bucket for the frames of one connection. Times are ms. */
export function createFrameBudget(start: number): {
  /** Spends one frame; answers how long to stop reading, 0 for not at all. */
  take(now: number): number;
} {
  let frames = BURST_FRAMES;
  let at = start;
  return {
    take(now) {
      const passed = Math.max(0, now - at);
      at = now;
      frames = Math.min(BURST_FRAMES, frames + (passed * FRAMES_PER_SECOND) / 1_000) - 1;
      return frames >= 0 ? 0 : Math.ceil((-frames * 1_000) / FRAMES_PER_SECOND);
    },
  };
}
