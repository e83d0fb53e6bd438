import type { LoadBringBack } from "#client/local-store/bring-back.ts";
import type { LocalStore } from "#client/local-store/local-store.ts";
import type { LocalDocuments } from "#client/local-store/open-documents.ts";
import type { LocalLibrary } from "#client/local-store/open-library.ts";
import type { RunCommands } from "#client/local-store/open-run-commands.ts";
import type { Platform } from "#client/platform/platform.ts";
import type { contentDigest } from "#shared/documents/canonical-content.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import type { LoadBulk } from "./late-bulk.ts";
import type { OpenSync } from "./open-sync.ts";

/** Everything this device keeps and keeps in sync for one account in one workspace. */
export interface WorkspaceSync {
  documents: LocalDocuments;
  library: LocalLibrary;
  sync: OpenSync;
  commands: RunCommands;
  store: LocalStore;
  /** Calls back when the database was given up for good, because the account leaves this device or moves to another one. */
  onLetGo(callback: () => void): void;
  /** Stores what is in memory, then ends connections and the database. Safe to repeat; the signal does the same. */
  close(): Promise<void>;
}

export interface LateCode {
  bringBack: LoadBringBack;
  bulk: LoadBulk;
  digest: () => Promise<typeof contentDigest>;
}

/**
 * The type of `openWorkspaceSync` (open-workspace-sync.ts). It answers at once: the database and the network
 * are opened behind it, and what cannot be opened shows in `sync.status()`, never as a throw.
 */
export type OpenWorkspaceSync = (
  platform: Platform,
  me: Me,
  signal: AbortSignal,
  /** parts of the code that are fetched once they are needed; by default as the browser fetches them */
  code?: LateCode,
) => WorkspaceSync;
