import type { Brand } from "#shared/lib/brand.ts";
import { isUuidV7 } from "#shared/lib/uuid.ts";

export type AccountId = Brand<string, "AccountId">;
export type WorkspaceId = Brand<string, "WorkspaceId">;
export type ConversationId = Brand<string, "ConversationId">;
export type MessageId = Brand<string, "MessageId">;
export type RunId = Brand<string, "RunId">;

/** Each parser answers `undefined` for text that is no id. Ids that devices make are UUIDv7. */
export const parseConversationId = (text: string): ConversationId | undefined =>
  isUuidV7(text) ? (text as ConversationId) : undefined;
export const parseRunId = (text: string): RunId | undefined => (isUuidV7(text) ? (text as RunId) : undefined);
