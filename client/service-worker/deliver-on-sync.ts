import { openBrowserBroadcast } from "#client/platform/browser-broadcast.ts";
import { browserClock } from "#client/platform/browser-clock.ts";
import { DELIVER_TAG } from "#client/platform/background-delivery.ts";
import { createLocks } from "#client/platform/locks.ts";
import { deliverEverything } from "./deliver.ts";
import { worker } from "./scope.ts";

/** Browsers end a worker that takes longer for one event, in ms: what is left then is for the next one. */
const LONGEST_MS = 4 * 60_000;

interface SyncEvent extends ExtendableEvent {
  readonly tag: string;
}

/** Delivers what waits on this device whenever the browser says that there is a network. */
export function deliverOnSync(): void {
  let underWay: Promise<void> | undefined;

  worker.addEventListener("sync", (event) => {
    const { tag } = event as SyncEvent;
    if (tag !== DELIVER_TAG) return;
    underWay ??= deliver().finally(() => (underWay = undefined));
    (event as SyncEvent).waitUntil(underWay);
  });
}

async function deliver(): Promise<void> {
  const signal = AbortSignal.timeout(LONGEST_MS);
  const platform = {
    fetch: worker.fetch.bind(worker),
    clock: browserClock,
    locks: createLocks(worker.navigator.locks),
    openBroadcast: openBrowserBroadcast,
  };
  // A rejected event is tried again by the browser, later and later.
  if (!(await deliverEverything(platform, signal))) throw new Error("something is left to deliver");
}
