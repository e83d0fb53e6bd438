import { createDeviceStorage } from "#client/platform/device-storage.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { askToKeepOnceSaved } from "./ask-to-keep.ts";
import { openDeviceCopy } from "./device-copy.ts";
import type { DeviceCopy, DeviceCopyParts } from "./device-copy.ts";

type Parts = Omit<DeviceCopyParts, "storage"> & Parameters<typeof askToKeepOnceSaved>[0] & { me: Me };

/** The device copy over the storage of this browser, which is asked to keep it once there is something to keep. */
export function openBrowserDevice(parts: Parts, signal: AbortSignal): DeviceCopy {
  const storage = createDeviceStorage((navigator as { storage?: StorageManager }).storage);
  if (!parts.me.sharedDevice) askToKeepOnceSaved(parts, storage, signal);
  return openDeviceCopy({ ...parts, storage });
}
