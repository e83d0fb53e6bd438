import type { Brand } from "#shared/lib/brand.ts";
import { isUuidV7 } from "#shared/lib/uuid.ts";

export type AccountId = Brand<string, "AccountId">;
export type WorkspaceId = Brand<string, "WorkspaceId">;
export type ConversationId = Brand<string, "ConversationId">;
export type MessageId = Brand<string, "MessageId">;
export type RunId = Brand<string, "RunId">;
export type SnapshotId = Brand<string, "SnapshotId">;
/** Of whatever is kept as a Yjs document. */
export type DocumentId = ConversationId | SnapshotId;
/** SHA-256 in lower-case hex: of a frozen message, or of all that was frozen. */
export type ContentHash = Brand<string, "ContentHash">;

/** Each parser answers `undefined` for text that is no id. Ids that devices make are UUIDv7. */
export const parseConversationId = (text: string): ConversationId | undefined =>
  isUuidV7(text) ? (text as ConversationId) : undefined;
export const parseRunId = (text: string): RunId | undefined => (isUuidV7(text) ? (text as RunId) : undefined);
export const parseSnapshotId = (text: string): SnapshotId | undefined =>
  isUuidV7(text) ? (text as SnapshotId) : undefined;
