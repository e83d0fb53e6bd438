import type { LoadBringBack } from "#client/local-store/bring-back.ts";
import type { Documents } from "#client/local-store/documents.ts";
import type { Library } from "#client/local-store/library.ts";
import type { RunCommandStore } from "#client/local-store/run-command-store.ts";
import type { Platform } from "#client/platform/platform.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import type { DocumentSync } from "./open-sync.ts";

/** Everything this device keeps and keeps in sync for one account in one workspace. */
export interface WorkspaceSync {
  documents: Documents;
  library: Library;
  sync: DocumentSync;
  commands: RunCommandStore;
  /** Stores what is in memory, then ends connections and the database. Safe to repeat; the signal does the same. */
  close(): Promise<void>;
}

/**
 * The type of `openWorkspaceSync` (open-workspace-sync.ts). It answers at once: the database and the network
 * are opened behind it, and what cannot be opened shows in `sync.status()`, never as a throw.
 */
export type OpenWorkspaceSync = (
  platform: Platform,
  me: Me,
  signal: AbortSignal,
  loadBringBack?: LoadBringBack,
) => WorkspaceSync;
