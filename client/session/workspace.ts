import { createContext, useContext } from "react";
import type { Documents } from "#client/local-store/documents.ts";
import type { KeptEdits } from "#client/local-store/kept-edits.ts";
import type { Library } from "#client/local-store/library.ts";
import type { Snapshots } from "#client/local-store/snapshots.ts";
import type { Clock } from "#client/platform/platform.ts";
import type { SmallStorage } from "#client/platform/small-storage.ts";
import type { Runs } from "#client/runs/runs.ts";
import type { SyncState } from "#client/sync/sync-status.ts";
import type { AccountControl } from "./account-control.ts";
import type { DeviceCopy } from "./device-copy.ts";
import type { Verifier } from "./verifier.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { assert } from "#shared/lib/assert.ts";
import type { Me, Models } from "#shared/protocol/http-bodies.ts";

/** The models the server offers, from its last answer; kept on this device so that the list is there offline. */
export interface ModelCatalogue {
  models(): Models | undefined;
  subscribe(listener: () => void): () => void;
}

/** Everything that is open while the app runs, for one account in one workspace. Features reach it through `useWorkspace`. */
export interface Workspace {
  me: Me;
  documents: Documents;
  library: Library;
  sync: SyncState;
  runs: Runs;
  /** not `loaded` before their code is here, which comes when something is asked of them, or soon after the start */
  snapshots: Snapshots;
  models: ModelCatalogue;
  /** short texts of this device; on a shared one they live as long as the page */
  smallStorage: SmallStorage;
  /** of this tab alone, on a shared device too: for no word that anybody wrote */
  tabStorage: SmallStorage;
  /** the unsent new wordings of prompts of a conversation, kept in the same way */
  keptEdits(id: ConversationId): KeptEdits;
  /** what is on this device as a whole; its code is loaded when it is asked for */
  device(): Promise<DeviceCopy>;
  /** who wrote an answer, and whether a file is what was signed; its code is loaded when it is asked for */
  verifier(): Promise<Verifier>;
  clock: Clock;
  account: AccountControl;
  /** a new UUIDv7 */
  newId(): string;
}

export const WorkspaceContext = createContext<Workspace | undefined>(undefined);

/** The open workspace. Only for components below the provider that the app shell mounts. */
export function useWorkspace(): Workspace {
  const workspace = useContext(WorkspaceContext);
  assert(workspace, "useWorkspace below its provider");
  return workspace;
}
