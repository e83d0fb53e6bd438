import { changeDeviceNotes } from "#client/local-store/change-device-notes.ts";
import { localStoreName } from "#client/local-store/open-local-store.ts";
import type { BrowserPlatform } from "#client/platform/browser-platform.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { browserTraces } from "./browser-traces.ts";
import { moveIn } from "./move-in.ts";
import { rememberedMe } from "./remembered-me.ts";
import { SIGNED_OUT_KEY } from "./session.ts";
import { wipeDevice } from "./wipe-device.ts";

const nameOf = ({ accountId, workspaceId }: Me): string => localStoreName(accountId, workspaceId);

/**
 * Notes that the guest of this page is an account now: the next start of the page takes what is here along. Where that
 * cannot be noted it is done at once.
 */
export async function noteMove(platform: BrowserPlatform, guest: Me, account: Me, signal: AbortSignal): Promise<void> {
  const note = { from: nameOf(guest), to: nameOf(account) };
  const isNoted = await changeDeviceNotes((notes) => {
    void notes.objectStore("moves").put(note);
    // Whoever left this device a short while ago is back, and what comes along must stay.
    void notes.objectStore("wipes").delete(account.accountId);
  });
  if (!isNoted) {
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
