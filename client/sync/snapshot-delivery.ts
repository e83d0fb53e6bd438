import { steadyClock } from "#client/platform/platform.ts";
import type { Platform } from "#client/platform/platform.ts";
import { whenEnded } from "#client/platform/when-ended.ts";
import { backoffMs } from "#shared/lib/backoff.ts";
import type { SnapshotRound } from "./deliver-snapshots.ts";

const RETRY_BASE_MS = 500;
const RETRY_CAP_MS = 30_000;

export interface SnapshotDelivery {
  /** Something may wait that was not there before. */
  look(): void;
}

/** Repeats rounds of delivery while anything waits, with a pause after each that failed; ends with the signal. */
export function openSnapshotDelivery(
  platform: Pick<Platform, "clock" | "random" | "connectivity">,
  deliver: () => Promise<SnapshotRound>,
  signal: AbortSignal,
): SnapshotDelivery {
  const clock = steadyClock(platform.clock);
  let isUnderWay = false;
  let isWanted = false;
  let failures = 0;
  let notBefore = -Infinity;
  let cancelTimer: (() => void) | undefined;

  async function go(): Promise<void> {
    if (signal.aborted || isUnderWay || !isWanted || !platform.connectivity.online()) return;
    if (clock.now() < notBefore) return;
    cancelTimer?.();
    isUnderWay = true;
    isWanted = false;
    const round = await deliver();
    isUnderWay = false;
    if (round.type === "later") later(round.atLeastMs);
    else failures = 0;
    // What is added here meanwhile does not wait for that.
    if (round.type === "unknown") cancelTimer = clock.after(RETRY_CAP_MS, look);
    await go();
  }

  function later(atLeastMs: number): void {
    isWanted = true;
    const ms = Math.max(atLeastMs, backoffMs(failures, RETRY_BASE_MS, RETRY_CAP_MS, platform.random()));
    failures += 1;
    notBefore = clock.now() + ms;
    cancelTimer = clock.after(ms, () => void go());
  }

  function look(): void {
    isWanted = true;
    void go();
  }

  const stopWaking = platform.connectivity.onWake(() => {
    failures = 0;
    notBefore = -Infinity;
    look();
  });
  whenEnded(signal, () => cancelTimer?.(), stopWaking);
  return { look };
}
