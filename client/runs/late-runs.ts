import type { Clock, Connectivity } from "#client/platform/platform.ts";
import type { Runs } from "./runs.ts";

/** How long after a failed try the code is fetched again by itself, in ms. */
const AGAIN_MS = 5_000;

export interface LateRunsParts {
  /** Fetches the code and opens the runs. May be called again after it failed. */
  load: () => Promise<Runs>;
  clock: Clock;
  connectivity: Connectivity;
}

/**
 * Runs whose code is fetched behind the first picture of the page, which shows none. What is asked of them before is
 * done as soon as they are here; until then they are not `ready`.
 */
export function openLateRuns({ load, clock, connectivity }: LateRunsParts, signal: AbortSignal): Runs {
  let runs: Runs | undefined;
  let loading = false;
  let cancelAgain: (() => void) | undefined;
  const waiting = new Set<(runs: Runs) => void>();

  /** Does something with the runs now, or once when they are here; answers how to call that off. */
  function whenHere(work: (runs: Runs) => void): () => void {
    if (runs) {
      work(runs);
      return () => undefined;
    }
    const once = (here: Runs): void => work(here);
    waiting.add(once);
    return () => void waiting.delete(once);
  }

  /** Watches something of the runs, from when they are here. */
  function watch(start: (runs: Runs) => () => void): () => void {
    let stop: (() => void) | undefined;
    const callOff = whenHere((here) => {
      stop = start(here);
    });
    return () => (stop ? stop() : callOff());
  }

  async function fetchCode(): Promise<void> {
    if (runs || loading || signal.aborted) return;
    loading = true;
    cancelAgain?.();
    try {
      runs = await load();
    } catch {
      // What is sent meanwhile waits on this device as it does offline.
      cancelAgain = clock.after(AGAIN_MS, () => void fetchCode());
      return;
    } finally {
      loading = false;
    }
    stopWaking();
    const works = [...waiting];
    waiting.clear();
    for (const work of works) work(runs);
  }
  const stopWaking = connectivity.onWake(() => void fetchCode());
  signal.addEventListener(
    "abort",
    () => {
      cancelAgain?.();
      stopWaking();
    },
    { once: true },
  );
  void fetchCode();

  return {
    ready: () => runs?.ready() ?? false,
    follow: (runId, listener) => watch((here) => here.follow(runId, listener)),
    live: (runId) => runs?.live(runId),
    streaming: () => runs?.streaming() ?? false,
    pause: (runId) => void whenHere((here) => here.pause(runId)),
    resume: (runId) => void whenHere((here) => here.resume(runId)),
    stop: (runId) => void whenHere((here) => here.stop(runId)),
    delivery: (runId) => runs?.delivery(runId),
    waits: () => runs?.waits() ?? false,
    deliver: (command) => void whenHere((here) => here.deliver(command)),
    cancel: (runId) =>
      new Promise((resolve, reject) => {
        whenHere((here) => void here.cancel(runId).then(resolve, reject));
      }),
    subscribeDeliveries: (listener) =>
      watch((here) => {
        const stop = here.subscribeDeliveries(listener);
        listener();
        return stop;
      }),
  };
}
