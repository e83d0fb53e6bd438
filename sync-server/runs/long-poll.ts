import type { RunEvent } from "#shared/protocol/run-events.ts";
import type { Clock } from "./clock.ts";
import type { RunFeed } from "./run-feed.ts";

/**
 * The events after a cursor, for readers whose proxy swallows event streams. Waits up to `waitMs` for the
 * first; answers none when the time is up, the signal aborts, the run has ended, or its writer is gone.
 */
export async function waitForEvents(
  feed: RunFeed,
  cursor: number,
  waitMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<RunEvent[]> {
  const now = (): RunEvent[] => feed.after(cursor).map(({ event }) => event);
  const found = now();
  if (found.length > 0 || feed.ended || feed.abandoned || waitMs <= 0 || signal.aborted) return found;
  return new Promise((resolve) => {
    const finish = (): void => {
      cancel();
      detach();
      signal.removeEventListener("abort", finish);
      resolve(now());
    };
    const cancel = clock.after(waitMs, finish);
    const detach = feed.attach({ more: finish, abandoned: finish, tell() {} });
    signal.addEventListener("abort", finish, { once: true });
  });
}
