import type { Platform } from "#client/platform/platform.ts";
import { backoffMs } from "#shared/lib/backoff.ts";
import { postStop } from "./run-requests.ts";

export interface RunStops {
  /** Asks the server to stop a run until it answered. On an id it does not know, that run will never start. */
  stop(runId: string): void;
}

const RETRY_BASE_MS = 500;
const RETRY_CAP_MS = 15_000;
/** A request without an answer for this long is made again. */
const ANSWER_MS = 15_000;

/** Whether the server said what became of it: done, unknown, or not ours to stop. */
const isAnswer = (status: number): boolean =>
  (status >= 200 && status < 300) || status === 404 || status === 409 || status === 410;

/** Keeps stops until they are answered, for as long as the page lives; ends with the signal. */
export function openRunStops(
  platform: Pick<Platform, "clock" | "random" | "fetch" | "connectivity">,
  signal: AbortSignal,
): RunStops {
  const { clock } = platform;
  /** by run: ends the wait before the next try */
  const waiting = new Map<string, () => void>();

  async function attempt(runId: string): Promise<boolean> {
    const request = new AbortController();
    const cancelTimer = clock.after(ANSWER_MS, () => request.abort());
    try {
      return isAnswer(await postStop(platform.fetch, runId, AbortSignal.any([signal, request.signal])));
    } catch {
      return false; // no network is no answer
    } finally {
      cancelTimer();
    }
  }

  const pause = (runId: string, ms: number): Promise<void> =>
    new Promise((resolve) => {
      const cancelTimer = clock.after(ms, resolve);
      waiting.set(runId, () => {
        cancelTimer();
        resolve();
      });
    });

  async function untilAnswered(runId: string): Promise<void> {
    for (let failures = 0; !signal.aborted && !(await attempt(runId)); failures++) {
      if (!signal.aborted) await pause(runId, backoffMs(failures, RETRY_BASE_MS, RETRY_CAP_MS, platform.random()));
    }
    waiting.delete(runId);
  }

  const goOn = (): void => {
    for (const resume of waiting.values()) resume();
  };
  const stopWatching = platform.connectivity.onWake(goOn);
  signal.addEventListener(
    "abort",
    () => {
      stopWatching();
      goOn();
    },
    { once: true },
  );

  return {
    stop(runId) {
      if (waiting.has(runId)) return;
      waiting.set(runId, () => undefined);
      void untilAnswered(runId);
    },
  };
}
