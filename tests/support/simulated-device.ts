import { bringBack } from "#client/local-store/bring-back.ts";
import { openBulk } from "#client/sync/bulk.ts";
import { contentDigest } from "#shared/documents/canonical-content.ts";
import { openWorkspaceSync } from "#client/sync/open-workspace-sync.ts";
import type { Broadcast, Platform } from "#client/platform/platform.ts";
import type { WorkspaceSync } from "#client/sync/workspace-sync.ts";
import { createFakeClock } from "./fake-clock.ts";
import type { FakeClock } from "./fake-clock.ts";
import { createSeededRandom } from "./seeded-random.ts";
import type { Life } from "./mortal-indexeddb.ts";
import type { SimulatedServer } from "./simulated-room.ts";

/** What the browser around one or more tabs does, in the hands of a test. */
export interface SimulatedBrowser {
  clock: FakeClock;
  /** Opens the workspace in a new tab, over the IndexedDB that is global now. Whether the tab lives, `life` says. */
  openTab(life?: Life): WorkspaceSync;
  /** what its tabs tell each other by */
  openBroadcast: Platform["openBroadcast"];
  wake(): void;
  goOffline(): void;
  hide(): void;
}

let browsers = 0;

export function createSimulatedBrowser(
  server: Pick<SimulatedServer, "openSocket" | "fetch">,
  accountId: string,
): SimulatedBrowser {
  const clock = createFakeClock();
  // Two devices with the same chance would write under the same clientIDs.
  const random = createSeededRandom((browsers += 1));
  const callbacks = { wake: new Set<() => void>(), offline: new Set<() => void>(), hide: new Set<() => void>() };
  const channels = new Set<{ name: string; callbacks: Set<(message: unknown) => void> }>();
  let online = true;

  function openBroadcast(name: string): Broadcast {
    const own = { name, callbacks: new Set<(message: unknown) => void>() };
    channels.add(own);
    return {
      post(message) {
        for (const other of channels) {
          if (other === own || other.name !== name) continue;
          for (const callback of other.callbacks) callback(structuredClone(message));
        }
      },
      onMessage(callback) {
        own.callbacks.add(callback);
        return () => own.callbacks.delete(callback);
      },
    };
  }

  const platform: Platform = {
    clock,
    randomBytes: random.bytes,
    random: random.next,
    openSocket: (path, protocols, events) => server.openSocket(path, protocols, events),
    connectivity: {
      online: () => online,
      onWake: (callback) => subscribe(callbacks.wake, callback),
      onOffline: (callback) => subscribe(callbacks.offline, callback),
    },
    visibility: { visible: () => true, onHide: (callback) => subscribe(callbacks.hide, callback) },
    openBroadcast,
    fetch: server.fetch,
  };

  return {
    clock,
    openBroadcast,
    openTab: (life) =>
      openWorkspaceSync(
        life ? mortal(platform, life) : platform,
        { accountId, workspaceId: "personal", kind: "guest" },
        new AbortController().signal,
        {
          bringBack: () => Promise.resolve(bringBack),
          bulk: () => Promise.resolve(openBulk),
          digest: () => Promise.resolve(contentDigest),
        },
      ),
    wake() {
      online = true;
      for (const callback of callbacks.wake) callback();
    },
    goOffline() {
      online = false;
      for (const callback of callbacks.offline) callback();
    },
    hide() {
      for (const callback of callbacks.hide) callback();
    },
  };
}

/** The same for a tab that may die: its sockets fall silent, and nobody hears it any more. */
function mortal(platform: Platform, life: Life): Platform {
  return {
    ...platform,
    openSocket(path, protocols, events) {
      const socket = platform.openSocket(path, protocols, {
        onOpen: () => life.ended || events.onOpen(),
        onMessage: (message) => life.ended || events.onMessage(message),
        onClose: (code) => life.ended || events.onClose(code),
      });
      return { ...socket, send: (message) => life.ended || socket.send(message) };
    },
    openBroadcast(name, signal) {
      const broadcast = platform.openBroadcast(name, signal);
      return { ...broadcast, post: (message) => life.ended || broadcast.post(message) };
    },
    fetch: (...args) => (life.ended ? Promise.reject(new TypeError("the tab is gone")) : platform.fetch(...args)),
  };
}

function subscribe(to: Set<() => void>, callback: () => void): () => void {
  to.add(callback);
  return () => to.delete(callback);
}

/** Waits, turn by turn of the event loop, until the condition holds; moves the clock on meanwhile where there is one. */
export async function until(condition: () => boolean, clock?: FakeClock): Promise<void> {
  // Code that is loaded late comes by the machine's clock, not by turns.
  const giveUpAt = performance.now() + 5_000;
  for (let turn = 0; turn < 3_000 || performance.now() < giveUpAt; turn++) {
    if (condition()) return;
    clock?.advance(10);
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("the condition never came to hold");
}
