import type { Platform } from "#client/platform/platform.ts";
import type { SmallStorage } from "#client/platform/small-storage.ts";
import { backoffMs } from "#shared/lib/backoff.ts";
import * as z from "zod/mini";
import { postStop } from "./run-requests.ts";

export interface RunStops {
  /** Asks the server to stop a run until it answered, also by the next page. On an id it does not know, that run will never start. */
  stop(runId: string): void;
}

const RETRY_BASE_MS = 500;
const RETRY_CAP_MS = 15_000;
/** A request without an answer for this long is made again. */
const ANSWER_MS = 15_000;

/** Whether the server said what became of it: done, unknown, or not ours to stop. */
const isAnswer = (status: number): boolean =>
  (status >= 200 && status < 300) || status === 404 || status === 409 || status === 410;

const idsSchema = z.array(z.string());

function parseIds(text: string | undefined): string[] {
  if (text === undefined) return [];
  try {
    const parsed = idsSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : [];
  } catch {
    return []; // not JSON: not ours
  }
}

export interface RunStopsParts {
  platform: Pick<Platform, "clock" | "random" | "fetch" | "connectivity">;
  smallStorage: SmallStorage;
  /** names the account and workspace whose stops these are */
  scope: string;
}

/** Keeps stops on this device until they are answered, and tries those an earlier page left; ends with the signal. */
export function openRunStops({ platform, smallStorage, scope }: RunStopsParts, signal: AbortSignal): RunStops {
  const { clock } = platform;
  const key = `holdfast.run-stops.${scope}`;
  const keptIds = (): string[] => parseIds(smallStorage.read(key));
  const keep = (runIds: readonly string[]): boolean => smallStorage.write(key, JSON.stringify(runIds));
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
    for (let failures = 0; !signal.aborted; failures++) {
      if (await attempt(runId)) {
        keep(keptIds().filter((id) => id !== runId));
        break;
      }
      if (!signal.aborted) await pause(runId, backoffMs(failures, RETRY_BASE_MS, RETRY_CAP_MS, platform.random()));
    }
    waiting.delete(runId);
  }

  function post(runId: string): void {
    if (waiting.has(runId)) return;
    waiting.set(runId, () => undefined);
    void untilAnswered(runId);
  }

  const goOn = (): void => {
    for (const resume of waiting.values()) resume();
    if (!signal.aborted) for (const runId of keptIds()) post(runId);
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

  goOn();
  return {
    stop(runId) {
      if (!keptIds().includes(runId)) keep([...keptIds(), runId]);
      post(runId);
    },
  };
}
