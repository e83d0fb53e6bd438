import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { RunCommand } from "./run-command.ts";

/** What is known of an open document, for words like "loading" and "gone". */
export type DocumentStatus =
  /** being read from this device */
  | { type: "loading" }
  /** usable; `arrived` turns true once the server's copy was merged in at least once, or something is here already */
  | { type: "ready"; arrived: boolean }
  /** the server says there is no such document for this account, or it was moved to a newer epoch */
  | { type: "gone" }
  /** a mended copy took its place, where what is still made in this one goes: release it, and open it again */
  | { type: "replaced" }
  /** written by a newer app: shown, but not editable */
  | { type: "read-only" };

/** A conversation on this device, open for reading and editing. Edits are stored and synced by themselves. */
export interface OpenConversation {
  readonly id: ConversationId;
  readonly conversation: ConversationDocument;
  status(): DocumentStatus;
  /** Calls back when `status` changed; answers how to stop. */
  subscribe(listener: () => void): () => void;
  /** Makes one edit and stores the command with it in one transaction on this device, so that neither exists without the other. */
  editWithCommand(edit: (conversation: ConversationDocument) => void, command: RunCommand): void;
  /** Resolves once all of it is stored on this device, or cannot be now; answers which. */
  stored(): Promise<boolean>;
  /** Lets go of it; the document closes when nobody holds it and everything in it is stored. */
  release(): void;
}

/** Opens conversations; several holders of one id share one copy. */
export interface Documents {
  /** Opens the local copy, or an empty one that comes to be with the first edit. */
  open(id: ConversationId): OpenConversation;
  /** Resolves when all that was written in open ones is on this device, or could not be. */
  flush(): Promise<void>;
}
