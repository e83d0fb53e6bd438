import { changeDeviceNotes } from "#client/local-store/change-device-notes.ts";
import type { BrowserPlatform } from "#client/platform/browser-platform.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { browserTraces } from "./browser-traces.ts";
import { moveIn, noteMoving } from "./move-in.ts";
import { rememberedMe } from "./remembered-me.ts";
import { SIGNED_OUT_KEY } from "./session.ts";
import { wipeDevice } from "./wipe-device.ts";

/**
 * Notes that the guest of this page is an account now: the next start of the page takes what is here along. Where that
 * cannot be noted it is done at once.
 */
export async function noteMove(platform: BrowserPlatform, guest: Me, account: Me, signal: AbortSignal): Promise<void> {
  if (!(await noteMoving(guest, account))) {
    const parts = { platform, locks: platform.locks, traces: browserTraces };
    await moveIn(parts, { from: guest, to: account }, signal);
  }
}

/** Lets somebody go on as a new guest where another one signed out. */
export async function goOnAsGuest({ smallStorage }: BrowserPlatform): Promise<void> {
  await changeDeviceNotes((notes) => {
    const wipes = notes.objectStore("wipes");
    void wipes.getAll().then((all) => all.map((wipe) => wipes.put({ ...wipe, signedOut: false })));
  });
  smallStorage.write(SIGNED_OUT_KEY, "");
}

/** Takes an account off this device and ends its session, also without a network: then the next start tells the server. */
export async function leaveDevice(platform: BrowserPlatform, me: Me, signal: AbortSignal): Promise<void> {
  platform.smallStorage.write(SIGNED_OUT_KEY, "1");
  rememberedMe(platform).forget();
  const parts = { platform, locks: platform.locks, traces: browserTraces };
  await wipeDevice(parts, { accountId: me.accountId }, signal);
}
