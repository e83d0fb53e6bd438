/** The tag under which the browser is asked to wake the service worker once there is a network. */
export const DELIVER_TAG = "holdfast-deliver";

/** Asks for the worker to deliver what waits, also when no page is open by then. */
export interface BackgroundDelivery {
  /** Safe to repeat. Does nothing where the browser has no Background Sync: then the next page delivers. */
  request(): void;
}

interface SyncRegistration {
  sync?: { register(tag: string): Promise<void> };
}

/** Background Sync (https://wicg.github.io/background-sync/spec/), which only some browsers have. */
export function createBackgroundDelivery(container: ServiceWorkerContainer | undefined): BackgroundDelivery {
  return {
    request() {
      container?.ready
        .then((registration) => (registration as SyncRegistration).sync?.register(DELIVER_TAG))
        // Refused in private windows and by permission: as in browsers that do not have it.
        .catch(() => undefined);
    },
  };
}
