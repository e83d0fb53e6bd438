/**
 * Full-jitter exponential back-off (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015):
 * a uniformly random wait between 0 and min(cap, base · 2^attempt) milliseconds.
 * @param attempt 0 for the first retry
 * @param random a number in [0, 1)
 */
export function backoffMs(attempt: number, baseMs: number, capMs: number, random: number): number {
  return Math.floor(random * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30)));
}
