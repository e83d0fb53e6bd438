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
  /** this device cannot store: quota, private mode, a broken database */
  | { type: "cannot-save"; reason: "full" | "blocked" | "unavailable" };

export interface SyncState {
  status(): SyncStatus;
  /** whether the server can be reached as far as we know */
  online(): boolean;
  subscribe(listener: () => void): () => void;
  /** Stops telling of unreadable edits; their bytes stay on this device. */
  dismissUnreadable(): void;
}
