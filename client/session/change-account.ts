import { changeDeviceNotes } from "#client/local-store/change-device-notes.ts";
import { readDeviceNotes } from "#client/local-store/device-notes.ts";
import { localStoreName } from "#client/local-store/open-local-store.ts";
import type { BrowserPlatform } from "#client/platform/browser-platform.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { browserTraces } from "./browser-traces.ts";
import { moveIn } from "./move-in.ts";
import { rememberedMe } from "./remembered-me.ts";
import { SIGNED_OUT_KEY } from "./session.ts";
import { noteWipe, wipeDevice } from "./wipe-device.ts";

const nameOf = ({ accountId, workspaceId }: Me): string => localStoreName(accountId, workspaceId);

/**
 * Notes that the guest of this page is an account now: the next start of the page takes what is here along. Where that
 * cannot be noted it is done at once.
 */
export async function noteMove(platform: BrowserPlatform, guest: Me, account: Me, signal: AbortSignal): Promise<void> {
  const note = { from: nameOf(guest), to: nameOf(account) };
  if (!(await changeDeviceNotes((notes) => void notes.objectStore("moves").put(note)))) {
    const parts = { platform, locks: platform.locks, traces: browserTraces };
    await moveIn(parts, { from: guest, to: account }, signal);
  }
}

/**
 * Notes that nothing is to be kept of an account here any more, because its device is shared now: the next start of the
 * page sends what waits here of it, and then takes all of it off the device.
 */
export async function noteShared(
  { clock, locks }: BrowserPlatform,
  { accountId }: Me,
  signal: AbortSignal,
): Promise<void> {
  const wipe = { accountId, tellServer: false, sendFirst: true, foundAt: clock.now() };
  await noteWipe({ locks, traces: browserTraces }, wipe, signal);
}

/** Lets somebody go on as a new guest where another one signed out. */
export async function goOnAsGuest({ clock, smallStorage }: BrowserPlatform): Promise<void> {
  const { wipes } = await readDeviceNotes(clock);
  await changeDeviceNotes((notes) => {
    for (const wipe of wipes) void notes.objectStore("wipes").put({ ...wipe, signedOut: false });
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
