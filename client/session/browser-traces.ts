import type { Traces } from "./sweep-device.ts";

/** What this browser keeps and shows of an account outside of its databases. */
export const browserTraces: Traces = {
  localStorage: () => localStorage,
  sessionStorage: () => sessionStorage,
  caches: (globalThis as { caches?: CacheStorage }).caches,
  async clearShown() {
    const { serviceWorker, clearAppBadge } = navigator as Partial<Navigator>;
    await clearAppBadge?.call(navigator);
    const registration = await serviceWorker?.getRegistration();
    for (const shown of (await registration?.getNotifications()) ?? []) shown.close();
  },
};
