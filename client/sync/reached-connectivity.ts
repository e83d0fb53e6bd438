import type { Connectivity } from "#client/platform/platform.ts";
import type { SyncState } from "./sync-status.ts";

/**
 * What the browser says about the network, and what reaching the server proves: a browser may be wrong about it for as
 * long as the page lives, and its word may get lost.
 */
export function createReachedConnectivity(
  connectivity: Connectivity,
  sync: Pick<SyncState, "online" | "subscribe">,
): Connectivity {
  return {
    online: () => connectivity.online() || sync.online(),
    onOffline: connectivity.onOffline,
    onWake(callback) {
      let reached = sync.online();
      const stops = [
        connectivity.onWake(callback),
        sync.subscribe(() => {
          const before = reached;
          reached = sync.online();
          if (reached && !before) callback();
        }),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}
