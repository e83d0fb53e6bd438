import { createBackgroundDelivery } from "./background-delivery.ts";
import type { BackgroundDelivery } from "./background-delivery.ts";
import { openBrowserBroadcast } from "./browser-broadcast.ts";
import { browserClock } from "./browser-clock.ts";
import { openConnectivity, openVisibility } from "./browser-connectivity.ts";
import { createOpenSocket } from "./browser-socket.ts";
import { createLocks } from "./locks.ts";
import type { Locks } from "./locks.ts";
import { createPainting } from "./painting.ts";
import type { Painting } from "./painting.ts";
import type { Platform } from "./platform.ts";
import { createSmallStorage } from "./small-storage.ts";
import type { SmallStorage } from "./small-storage.ts";
import { writeCookies } from "./write-cookies.ts";

/** Every browser power the app's parts ask for. */
export interface BrowserPlatform extends Platform {
  locks: Locks;
  painting: Painting;
  smallStorage: SmallStorage;
  /** of this tab alone, and gone with it */
  tabStorage: SmallStorage;
  backgroundDelivery: BackgroundDelivery;
  /** has the browser write down who it is, which else a crash may make it forget */
  writeCookies: () => void;
}

/** The powers of the browser this page runs in. What listens stops when the signal ends. */
export function openBrowserPlatform(signal: AbortSignal): BrowserPlatform {
  return {
    clock: browserClock,
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    random: () => Math.random(),
    openSocket: createOpenSocket(location.origin),
    connectivity: openConnectivity(signal),
    visibility: openVisibility(signal),
    openBroadcast: openBrowserBroadcast,
    fetch: globalThis.fetch.bind(globalThis),
    locks: createLocks((navigator as { locks?: LockManager }).locks),
    painting: createPainting(browserClock),
    smallStorage: createSmallStorage(() => localStorage),
    tabStorage: createSmallStorage(() => sessionStorage),
    backgroundDelivery: createBackgroundDelivery(
      (navigator as { serviceWorker?: ServiceWorkerContainer }).serviceWorker,
    ),
    writeCookies: () => writeCookies(document),
  };
}
