import type { BrowserPlatform } from "#client/platform/browser-platform.ts";
import { meSchema } from "#shared/protocol/http-bodies.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { remembered } from "./remembered.ts";

export const ME_KEY = "holdfast.me";
/** In the tab of somebody on a shared device: which workspace they are in, and so that the server is to be asked who. */
export const SHARED_TAB_KEY = "holdfast.shared-device";
/** Somebody uses this browser as a shared device: no tab opens whoever else was here before it asked. */
export const SHARED_KEY = "holdfast.shared-here";

/** Who this browser opens with at its next start. */
export interface RememberedMe {
  /** nobody on a shared device, and in a browser nobody used yet */
  read(): Me | undefined;
  /** who it would be, were this device not shared: for a tab that cannot ask */
  before(): Me | undefined;
  /** the workspace that is open in this tab, of somebody on a shared device; absent where that is not one */
  sharedIn(): string | undefined;
  /** whether the server is to be asked who is here, because somebody said that the device is shared */
  isShared(): boolean;
  /** Of somebody on a shared device nothing is remembered but that the server is to be asked. */
  write(me: Me): void;
  /** The server knows nobody: nobody is here on a shared device any more. */
  endShared(): void;
  /** Somebody signed out: whoever was here before them is not to be shown to whoever comes. */
  forget(): void;
}

export function rememberedMe({
  smallStorage,
  tabStorage,
}: Pick<BrowserPlatform, "smallStorage" | "tabStorage">): RememberedMe {
  const last = remembered(smallStorage, ME_KEY, meSchema);
  const sharedIn = (): string | undefined => tabStorage.read(SHARED_TAB_KEY) || undefined;
  const isShared = (): boolean => sharedIn() !== undefined || Boolean(smallStorage.read(SHARED_KEY));
  const endShared = (): void => {
    if (sharedIn() !== undefined) tabStorage.write(SHARED_TAB_KEY, "");
    if (isShared()) smallStorage.write(SHARED_KEY, "");
  };
  const forgetLast = (): void => {
    if (last.read()) smallStorage.write(ME_KEY, "");
  };
  return {
    read: () => (isShared() ? undefined : last.read()),
    before: last.read,
    sharedIn,
    isShared,
    write(me) {
      if (me.sharedDevice) {
        tabStorage.write(SHARED_TAB_KEY, me.workspaceId);
        smallStorage.write(SHARED_KEY, "1");
        if (last.read()?.accountId === me.accountId) forgetLast();
        return;
      }
      endShared();
      last.write(me);
    },
    endShared,
    forget() {
      endShared();
      forgetLast();
    },
  };
}
