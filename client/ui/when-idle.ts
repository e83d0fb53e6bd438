/** ms after which a page that never rests is interrupted all the same */
const PATIENCE_MS = 500;
/** Where the browser does not tell when it rests (Safari), work waits this long, in ms. */
const PAUSE_MS = 30;

/** Calls back once when the page has nothing else to do, or soon in any case; answers how to call it off. */
export function whenIdle(callback: () => void): () => void {
  if ("requestIdleCallback" in globalThis) {
    const handle = requestIdleCallback(callback, { timeout: PATIENCE_MS });
    return () => cancelIdleCallback(handle);
  }
  const timer = setTimeout(callback, PAUSE_MS);
  return () => clearTimeout(timer);
}
