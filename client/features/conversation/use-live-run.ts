import { useEffect, useState } from "react";
import type { LiveRun, Runs } from "#client/runs/runs.ts";
import { paintPacer } from "#client/ui/paint-pacer.ts";
import { isTerminal } from "#shared/domain/run.ts";

/** Follows a run while `runId` is given. Text comes at most once per paint interval; the end and a pause at once. */
export function useLiveRun(runs: Runs, runId: string | undefined): LiveRun | undefined {
  const [shown, setShown] = useState<{ runId: string; live: LiveRun | undefined }>();
  useEffect(() => {
    if (runId === undefined) return;
    const commit = (): void => setShown({ runId, live: copyOf(runs.live(runId)) });
    let paused = runs.live(runId)?.paused;
    const stop = runs.follow(runId, () => {
      const live = runs.live(runId);
      const atOnce = live === undefined || isTerminal(live.status) || live.paused !== paused;
      paused = live?.paused;
      if (atOnce) commit();
      else paintPacer.request(commit);
    });
    commit();
    return () => {
      paintPacer.forget(commit);
      stop();
    };
  }, [runs, runId]);
  return shown !== undefined && shown.runId === runId ? shown.live : undefined;
}

/** A copy, so that React sees a change also where the follower edits its state in place. */
const copyOf = (live: LiveRun | undefined): LiveRun | undefined => live && { ...live };
