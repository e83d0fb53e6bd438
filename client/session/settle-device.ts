import { readDeviceNotes } from "#client/local-store/device-notes.ts";
import type { BrowserPlatform } from "#client/platform/browser-platform.ts";
import { rememberedMe } from "./remembered-me.ts";
import { SIGNED_OUT_KEY } from "./session.ts";
import { isToFinish } from "./wipe-mark.ts";

export interface SettledDevice {
  /** whether the browser's cookie may be used: not while it is still that of somebody who signed out */
  mayAsk: boolean;
  /** To be called before an account is opened: it may be one that left a short while ago. Answers whether it may be. */
  welcome(accountId: string): Promise<boolean>;
}

/** Finishes what a page began on this device that was closed or killed: somebody's leaving, a guest's moving in. */
export async function settleDevice(platform: BrowserPlatform, signal: AbortSignal): Promise<SettledDevice> {
  const { smallStorage, clock, locks } = platform;
  if (!(await isToFinish(smallStorage, clock))) return { mayAsk: true, welcome: async () => true };
  const [{ finishDevice }, { letReturn }, { browserTraces }] = await Promise.all([
    import("./move-in.ts"),
    import("./wipe-device.ts"),
    import("./browser-traces.ts"),
  ]);
  const parts = { platform, locks, traces: browserTraces };
  const { wipes } = await readDeviceNotes(clock);
  const { told } = await finishDevice(parts, signal);
  // A browser that was killed may have forgotten that it was noted there.
  if (wipes.some(({ signedOut }) => signedOut) && !rememberedMe(platform).read())
    smallStorage.write(SIGNED_OUT_KEY, "1");
  return {
    mayAsk: told,
    welcome: (accountId) => letReturn(parts, accountId, signal),
  };
}
