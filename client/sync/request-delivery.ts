import type { BackgroundDelivery } from "#client/platform/background-delivery.ts";
import type { Clock } from "#client/platform/platform.ts";
import { whenEnded } from "#client/platform/when-ended.ts";
import type { SyncState } from "./sync-status.ts";

/** What is on its way for so long may outlive this page, in ms. */
const PATIENCE_MS = 2_000;

/**
 * Asks for delivery in the background while something waits on this device: once each time that begins. A tab may be
 * closed, or its browser killed, at any moment after.
 * @param waits whether a command waits to be delivered
 */
export function requestDelivery(
  sync: Pick<SyncState, "status" | "subscribe">,
  clock: Clock,
  commands: { waits(): boolean; subscribe(listener: () => void): () => void },
  background: BackgroundDelivery,
  signal: AbortSignal,
): void {
  let asked = false;
  let wasOffline = false;
  let cancelTimer: (() => void) | undefined;

  function waits(): boolean {
    const status = sync.status();
    if (commands.waits()) return true;
    return status.type === "offline" ? status.changes > 0 : status.type !== "saved";
  }

  function ask(): void {
    cancelTimer = undefined;
    asked = true;
    background.request();
  }

  function look(): void {
    if (!waits()) {
      cancelTimer?.();
      cancelTimer = undefined;
      asked = false;
      return;
    }
    const isOffline = sync.status().type === "offline";
    // What was asked for with a network was answered at once, and is used up.
    if (isOffline && !wasOffline) asked = false;
    wasOffline = isOffline;
    if (asked) return;
    if (isOffline) {
      cancelTimer?.();
      ask();
    } else cancelTimer ??= clock.after(PATIENCE_MS, ask);
  }

  const stops = [sync.subscribe(look), commands.subscribe(look)];
  whenEnded(signal, () => cancelTimer?.(), ...stops);
  look();
}
