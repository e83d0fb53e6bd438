import type { StoreFailure } from "#client/local-store/local-store.ts";

/** What the status line says. It must be true (promise P4). */
export type SyncStatus =
  /** everything on this device is stored durably by the server */
  | { type: "saved" }
  /** changes are on their way to this device's store or to the server */
  | { type: "saving" }
  /** no connection; `changes` are stored on this device and wait */
  | { type: "offline"; changes: number }
  /**
   * the server does not take what is in so many chats; `unreadable` of them hold edits that this device cannot
   * read back either
   */
  | { type: "refused"; documents: number; unreadable: number }
  /** this device cannot store, or is not to; sync goes on from memory */
  | ({ type: "cannot-save"; reason: StoreFailure | "shared-device" } & InMemory);

/** What the open chats of this window hold that is not stored everywhere it should be. */
export interface InMemory {
  /** chats with changes that are in this window only: neither on this device nor on the server */
  onlyHere: number;
  /** chats with changes that the server does not have, those among them */
  unsent: number;
}

/** What became of things stored here; told until it is dismissed. */
export type StorageNotice =
  /** the browser deleted them, and so many chats had changes that were nowhere else */
  | { type: "evicted"; chats: number }
  /** so many records could not be read and were set aside; the server has what they held */
  | { type: "corrupt"; records: number };

export interface SyncState {
  status(): SyncStatus;
  /** whether the server can be reached as far as we know */
  online(): boolean;
  subscribe(listener: () => void): () => void;
  notice(): StorageNotice | undefined;
  /** Stops telling of unreadable records, whose bytes stay on this device, and of the notice. */
  dismissUnreadable(): void;
  /** Tries now to store what could not be stored, not only when its time has come. */
  retryStoring(): Promise<void>;
}
