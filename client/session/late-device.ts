import type { SmallStorage } from "#client/platform/small-storage.ts";
import type { SyncState } from "#client/sync/sync-status.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import type { DeviceCopy, DeviceCopyParts } from "./device-copy.ts";

/** ms after the start when the code below is loaded: it must be here when the network is not */
const LOAD_AFTER_MS = 3_000;

type LateDeviceParts = Omit<DeviceCopyParts, "storage"> & { sync: SyncState; smallStorage: SmallStorage; me: Me };

/** The device copy, whose code no first paint waits for. Sees to it that the browser is asked to keep what is here. */
export function openLateDevice(parts: LateDeviceParts, signal: AbortSignal): () => Promise<DeviceCopy> {
  let opened: Promise<DeviceCopy> | undefined;
  const open = async (): Promise<DeviceCopy> => (await import("./browser-device.ts")).openBrowserDevice(parts, signal);
  const device = (): Promise<DeviceCopy> => {
    opened ??= open();
    // Code that did not arrive is asked for again the next time.
    opened.catch(() => (opened = undefined));
    return opened;
  };
  const stop = parts.clock.after(LOAD_AFTER_MS, () => void device().catch(() => undefined));
  signal.addEventListener("abort", stop, { once: true });
  return device;
}
