import type { RunId } from "#shared/domain/ids.ts";
import { nothing } from "./clock.ts";
import type { RunParts } from "./run-parts.ts";
import { finishRun } from "./run-recovery.ts";
import { deleteFrames, readAbandonedRuns, readSpentRuns } from "./run-store.ts";

/**
 * Looks every 5 s for runs nobody writes any longer, and for frames nobody needs any longer. Starts at once.
 * @param isOurs whether this process is starting or writing a run
 */
export function openRunSweep(parts: RunParts, isOurs: (id: RunId) => boolean) {
  const { database, clock, timers, log } = parts;
  let closed = false;
  let sweeping = Promise.resolve();
  let cancel = nothing;

  async function sweep(): Promise<void> {
    const now = clock.now();
    for (const stored of await readAbandonedRuns(database, now, timers.lease))
      if (!isOurs(stored.id)) await finishRun(parts, stored, "server_restarted");
    const spent = await readSpentRuns(database, now - timers.keepFrames, now - timers.keepInterruptedFrames);
    if (spent.length > 0) await database.commit([deleteFrames(database, spent)]);
  }

  function sweepLater(): void {
    cancel = clock.after(timers.sweep, () => {
      sweeping = sweep().catch((error: unknown) => log.error({ err: error }, "the sweep of runs failed"));
      void sweeping.then(() => !closed && sweepLater());
    });
  }
  sweepLater();

  return {
    /** Looks once, as the timer does. */
    sweep,
    async close(): Promise<void> {
      closed = true;
      cancel();
      await sweeping;
    },
  };
}
