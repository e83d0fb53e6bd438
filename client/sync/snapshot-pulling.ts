import type { LocalStore } from "#client/local-store/local-store.ts";
import type { Locks } from "#client/platform/locks.ts";
import type { Platform } from "#client/platform/platform.ts";
import { openSnapshotDelivery } from "./snapshot-delivery.ts";
import type { SnapshotDelivery } from "./snapshot-delivery.ts";
import type { FrozenPuller } from "./pull-frozen.ts";

export interface PullingParts {
  platform: Pick<Platform, "clock" | "random" | "connectivity">;
  locks: Locks;
  scope: string;
  puller: FrozenPuller;
  store: Pick<LocalStore, "health">;
}

/** Pulls, one tab at a time, until nothing is lacking; begins again when told to look, and when the page wakes up. */
export function keepPulling(
  { platform, locks, scope, puller, store }: PullingParts,
  signal: AbortSignal,
): SnapshotDelivery {
  async function pullAll(): ReturnType<Parameters<typeof openSnapshotDelivery>[1]> {
    // A device that cannot store would ask for the same for ever, and a shared one keeps nothing.
    if (store.health().type !== "ok") return { type: "done" };
    try {
      return await locks.hold(`holdfast-frozen-${scope}`, signal, async () => {
        for (;;) {
          const round = await puller.pull(signal);
          if (signal.aborted || round === "done") return { type: "done" };
          if (round === "failed") return { type: "later", reached: false, atLeastMs: 0 };
        }
      });
    } catch {
      return { type: "done" }; // no lock: the page goes
    }
  }
  return openSnapshotDelivery(platform, pullAll, signal);
}
