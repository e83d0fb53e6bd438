import type { StoreFailure, StoreHealth } from "#client/local-store/local-store.ts";
import type { InMemory, StorageNotice, SyncStatus } from "./sync-status.ts";

/** ms without a live connection before it is called offline; a reconnect within it is nobody's concern */
export const OFFLINE_AFTER_MS = 2_000;

/** What is known about reaching the server. */
export interface Reach {
  /** since when nothing gets through; absent while it does, or nothing was tried yet */
  failingSince: number | undefined;
  /** the browser said the network went, and nothing came through since */
  browserOffline: boolean;
}

export type ReachEvent =
  /** anything came from the server: an answer, a frame */
  | { type: "contact" }
  /** a connection closed or did not come to be, a request failed */
  | { type: "failure" }
  | { type: "browser-offline" }
  | { type: "browser-online" };

export function nextReach(now: number, reach: Reach, event: ReachEvent): Reach {
  switch (event.type) {
    case "contact":
      return { failingSince: undefined, browserOffline: false };
    case "failure":
      return { ...reach, failingSince: reach.failingSince ?? now };
    case "browser-offline":
      return { ...reach, browserOffline: true };
    case "browser-online":
      return { ...reach, browserOffline: false };
  }
}

/** Whether the server can be reached as far as we know; `changesAt`: when that changes by time alone. */
export function reachable(now: number, reach: Reach): { online: boolean; changesAt: number | undefined } {
  if (reach.browserOffline) return { online: false, changesAt: undefined };
  if (reach.failingSince === undefined) return { online: true, changesAt: undefined };
  const changesAt = reach.failingSince + OFFLINE_AFTER_MS;
  return now < changesAt ? { online: true, changesAt } : { online: false, changesAt: undefined };
}

/** What this device holds that the server does not. */
export interface Unsaved {
  health: StoreHealth;
  /** what matters when this device cannot store */
  memory: InMemory;
  /** whether the outbox as it is now was read: before that nothing is known to be saved */
  known: boolean;
  /** a write to the local store is under way or waits */
  unstored: boolean;
  /** an open document has an edit without an `ack` */
  pending: boolean;
  /** rows in the outbox, over all documents and tabs, and commands about snapshots that wait, those in memory among them */
  outbox: number;
  /** commands about snapshots that the server does not take */
  refusedSnapshots: number;
  /** documents whose edits the server does not take (C5, C7) */
  refused: ReadonlySet<string>;
  /** documents with edits that were never acknowledged and cannot be read any more */
  unreadable: ReadonlySet<string>;
}

/** The words of the status line. It errs on the side of "not yet" (C10). */
export function syncStatus(online: boolean, unsaved: Unsaved): SyncStatus {
  if (unsaved.health.type === "none") return onSharedDevice(online, unsaved);
  if (unsaved.health.type === "failing")
    return { type: "cannot-save", reason: unsaved.health.reason, ...unsaved.memory };
  if (!online) return { type: "offline", changes: unsaved.outbox };
  // Before "saving": what waits for nothing must not look as if it were on its way.
  const { refused, unreadable, refusedSnapshots } = unsaved;
  const documents = new Set([...refused, ...unreadable]).size + refusedSnapshots;
  if (documents > 0) return { type: "refused", documents, unreadable: unreadable.size };
  const saved = unsaved.known && !unsaved.unstored && !unsaved.pending && unsaved.outbox === 0;
  return saved ? { type: "saved" } : { type: "saving" };
}

/** Where nothing is kept, all there is beside the server's copy is what is open. */
function onSharedDevice(online: boolean, { memory, refused, refusedSnapshots }: Unsaved): SyncStatus {
  if (memory.unsent === 0) return online ? { type: "saved" } : { type: "offline", changes: 0 };
  return online && refused.size + refusedSnapshots === 0
    ? { type: "saving" }
    : { type: "cannot-save", reason: "shared-device", ...memory };
}

/** An open document, as far as storing it goes. */
export interface Storing {
  pending(): boolean;
  unstoredEdits(): boolean;
  failing(): StoreFailure | undefined;
}

/**
 * What this device can store. A small write that works says nothing of what did not fit: the device is full until that
 * is stored.
 * @param isFull a command about a snapshot did not fit
 */
export const storeHealth = (health: StoreHealth, documents: readonly Storing[], isFull: boolean): StoreHealth =>
  health.type === "ok" && (isFull || documents.some((document) => document.failing() === "full"))
    ? { type: "failing", reason: "full" }
    : health;

/** @param commands about snapshots that are in this window only */
export const inMemory = (documents: readonly Storing[], commands: number): InMemory => ({
  onlyHere: documents.filter((document) => document.pending() && document.unstoredEdits()).length + commands,
  unsent: documents.filter((document) => document.pending()).length + commands,
});

/**
 * What is lost comes before what is mended: beside words that nobody has any more it is no comfort.
 * @param unreadable documents of which the status tells that
 */
export function storageNotice(evicted: number, corrupt: number, unreadable: number): StorageNotice | undefined {
  if (evicted > 0) return { type: "evicted", chats: evicted };
  return corrupt > 0 && unreadable === 0 ? { type: "corrupt", records: corrupt } : undefined;
}
