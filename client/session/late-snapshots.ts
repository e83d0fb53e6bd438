import type { SnapshotEntry, Snapshots } from "#client/local-store/snapshots.ts";
import type { Clock } from "#client/platform/platform.ts";
import { Callbacks } from "#client/platform/callbacks.ts";

/** ms after the start when the code is loaded that nobody asked for: it delivers what waits */
const LOAD_AFTER_MS = 1_500;
const AGAIN_MS = 5_000;

/** Snapshots whose code no first paint waits for; until it is here there are none, and they are not `loaded`. */
export function openLateSnapshots(load: () => Promise<Snapshots>, clock: Clock, signal: AbortSignal): Snapshots {
  const none: readonly SnapshotEntry[] = [];
  const listeners = new Callbacks();
  let here: Snapshots | undefined;
  let opening: Promise<Snapshots> | undefined;

  async function open(): Promise<Snapshots> {
    const snapshots = await load();
    here = snapshots;
    snapshots.subscribe(listeners.callAll);
    listeners.callAll();
    return snapshots;
  }
  /** Code that does not arrive is fetched again, as long as this page lives: what is asked of it waits. */
  const get = (): Promise<Snapshots> =>
    (opening ??= open().catch(
      () =>
        new Promise<Snapshots>((resolve) => {
          clock.after(AGAIN_MS, () => {
            opening = undefined;
            resolve(get());
          });
        }),
    ));
  signal.addEventListener(
    "abort",
    clock.after(LOAD_AFTER_MS, () => void get()),
    { once: true },
  );

  return {
    entries: () => here?.entries() ?? none,
    loaded: () => here?.loaded() ?? false,
    subscribe(listener) {
      void get();
      return listeners.add(listener);
    },
    take: async (taken) => (await get()).take(taken),
    isKept: (id) => here?.isKept(id) === true,
    setLabels: (...of) => void get().then((snapshots) => snapshots.setLabels(...of)),
    setDeleted: (...of) => void get().then((snapshots) => snapshots.setDeleted(...of)),
    erase: (...of) => void get().then((snapshots) => snapshots.erase(...of)),
    giveUp: async (id) => (await get()).giveUp(id),
    content: async (id) => (await get()).content(id),
    contents: async (...of) => (await get()).contents(...of),
    fetch: async (id) => (await get()).fetch(id),
  };
}
