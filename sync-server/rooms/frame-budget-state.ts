/** A typing device sends 4 frames a second; a burst after a reconnect is a few hundred. */
const FRAMES_PER_SECOND = 200;
const BURST_FRAMES = 1_000;
/** Longer frames cost work by their length: a burst of 16 MB, and 3.2 MB a second from then on. */
const BYTES_PER_FRAME = 16 * 1024;
/** The answer to a SyncStep1 may be a whole document; a device asks once, and again after a gap. */
const STEP1_FRAMES = 20;

/** What a message costs, in frames. */
export const frameCost = (message: Uint8Array): number => {
  const asksForAll = message[0] === 0 && message[1] === 0;
  return (asksForAll ? STEP1_FRAMES : 1) + Math.floor(message.byteLength / BYTES_PER_FRAME);
};

/**
 * A token bucket for the frames of one connection. Times are ms.
 * @param share how many connections' worth it holds
 */
export function createFrameBudget(
  start: number,
  share = 1,
): {
  /** Spends so many frames; answers how long to stop reading, 0 for not at all. */
  take(now: number, cost: number): number;
} {
  const most = BURST_FRAMES * share;
  const perSecond = FRAMES_PER_SECOND * share;
  let frames = most;
  let at = start;
  return {
    take(now, cost) {
      const passed = Math.max(0, now - at);
      at = now;
      frames = Math.min(most, frames + (passed * perSecond) / 1_000) - cost;
      return frames >= 0 ? 0 : Math.ceil((-frames * 1_000) / perSecond);
    },
  };
}
