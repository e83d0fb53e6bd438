import { Callbacks } from "./callbacks.ts";
import type { Connectivity, Visibility } from "./platform.ts";

/** Watches the network, and the page coming back to life, until the signal ends. */
export function openConnectivity(signal: AbortSignal, page: Window = window): Connectivity {
  const wake = new Callbacks();
  const offline = new Callbacks();
  const onShow = (event: PageTransitionEvent): void => {
    if (event.persisted) wake.callAll();
  };
  const onVisibility = (): void => {
    if (page.document.visibilityState === "visible") wake.callAll();
  };
  page.addEventListener("online", wake.callAll, { signal });
  page.addEventListener("offline", offline.callAll, { signal });
  page.addEventListener("pageshow", onShow, { signal });
  page.document.addEventListener("visibilitychange", onVisibility, { signal });
  return {
    online: () => page.navigator.onLine,
    onWake: (callback) => wake.add(callback),
    onOffline: (callback) => offline.add(callback),
  };
}

/** Watches whether the page can be seen, until the signal ends. */
export function openVisibility(signal: AbortSignal, page: Window = window): Visibility {
  const hide = new Callbacks();
  const onVisibility = (): void => {
    if (page.document.visibilityState === "hidden") hide.callAll();
  };
  page.document.addEventListener("visibilitychange", onVisibility, { signal });
  page.addEventListener("pagehide", hide.callAll, { signal });
  return {
    visible: () => page.document.visibilityState !== "hidden",
    onHide: (callback) => hide.add(callback),
  };
}
