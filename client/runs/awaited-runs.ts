import { isOver } from "./run-follow-state.ts";
import type { PublishedRun } from "./published-run.ts";

/** Runs that the server has and nothing was heard of yet: to a reader they are still being sent. */
export interface AwaitedRuns {
  /** Waits for the first word of a run, or for the server to say that it has none. */
  add(runId: string, run: Pick<PublishedRun, "follower" | "live" | "watch">): void;
  has(runId: string): boolean;
}

/** @param onChange called when one is not awaited any more */
export function createAwaitedRuns(onChange: () => void): AwaitedRuns {
  const runIds = new Set<string>();
  return {
    add(runId, run) {
      if (runIds.has(runId) || run.live()) return;
      runIds.add(runId);
      const stop = run.watch(() => {
        if (!run.live() && !isOver(run.follower.state())) return;
        stop();
        runIds.delete(runId);
        onChange();
      });
    },
    has: (runId) => runIds.has(runId),
  };
}
