import type { BrowserPlatform } from "#client/platform/browser-platform.ts";
import { meSchema } from "#shared/protocol/http-bodies.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { remembered } from "./remembered.ts";

export const ME_KEY = "holdfast.me";
/** In the tab of somebody on a shared device: which workspace they are in, and so that the server is to be asked who. */
export const SHARED_TAB_KEY = "holdfast.shared-device";

/** Who this browser opens with at its next start. */
export interface RememberedMe {
  /** nobody on a shared device, and in a browser nobody used yet */
  read(): Me | undefined;
  /** the workspace that is open in this tab, of somebody on a shared device; absent where that is not one */
  sharedIn(): string | undefined;
  /** Of somebody on a shared device nothing is remembered but that the server is to be asked. */
  write(me: Me): void;
  /** The server knows nobody: this tab is nobody's on a shared device any more. */
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
  const endShared = (): void => {
    if (sharedIn() !== undefined) tabStorage.write(SHARED_TAB_KEY, "");
  };
  return {
    read: () => (sharedIn() === undefined ? last.read() : undefined),
    sharedIn,
    write(me) {
      if (me.sharedDevice) return void tabStorage.write(SHARED_TAB_KEY, me.workspaceId);
      endShared();
      last.write(me);
    },
    endShared,
    forget() {
      endShared();
      if (last.read()) smallStorage.write(ME_KEY, "");
    },
  };
}
