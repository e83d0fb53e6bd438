import * as z from "zod/mini";
import type { Library } from "#client/local-store/library.ts";
import type { DeviceStorage } from "#client/platform/device-storage.ts";
import type { SmallStorage } from "#client/platform/small-storage.ts";
import type { SyncState } from "#client/sync/sync-status.ts";
import { remembered } from "./remembered.ts";

const KEY = "holdfast.asked-to-keep";

/**
 * Asks the browser once not to delete what is stored here for lack of room: when the first chat is saved, not before.
 * By then there is something to keep, and a person who is asked knows what for. Ends with the signal.
 */
export function askToKeepOnceSaved(
  parts: {
    sync: Pick<SyncState, "status" | "subscribe">;
    library: Pick<Library, "entries">;
    smallStorage: SmallStorage;
  },
  device: Pick<DeviceStorage, "persist">,
  signal: AbortSignal,
): void {
  const { sync, library } = parts;
  const asked = remembered(parts.smallStorage, KEY, z.boolean());
  if (asked.read() === true) return;
  const look = (): void => {
    if (sync.status().type !== "saved" || library.entries().length === 0) return;
    stop();
    asked.write(true);
    void device.persist();
  };
  const stop = sync.subscribe(look);
  signal.addEventListener("abort", stop, { once: true });
  look();
}
