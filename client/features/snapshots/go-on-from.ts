import type { OpenConversation } from "#client/local-store/documents.ts";
import { whenLoaded } from "#client/local-store/when-loaded.ts";
import type { Workspace } from "#client/session/workspace.ts";
import { restoreSnapshot } from "#shared/documents/restore-snapshot.ts";
import { thawInto } from "#shared/documents/thaw-snapshot.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { SnapshotSummary } from "#shared/domain/snapshot.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";

type Parts = Pick<Workspace, "documents" | "snapshots" | "newId">;

/** `unread`: what was frozen cannot be read here; `chat-gone`: there is no chat to restore it into. */
export type GoOnFailure = "unread" | "chat-gone";

/** Makes a new conversation of a snapshot on this device. Answers its id once it is stored, or could not be. */
export async function duplicateSnapshot(
  { documents, snapshots, newId }: Parts,
  { id, contentId, title }: SnapshotSummary,
): Promise<Result<ConversationId, GoOnFailure>> {
  const content = await snapshots.content(id);
  if (!content.ok) return err("unread");
  const copy = documents.open(newId() as ConversationId);
  try {
    await whenLoaded(copy);
    thawInto(copy.conversation, content.value, { snapshotId: id, contentId });
    if (title !== "") copy.conversation.rename(title);
    await copy.stored();
    return ok(copy.id);
  } finally {
    copy.release();
  }
}

/** Shows a snapshot again in the chat it was taken of, as a branch beside what is there. */
export async function restoreIntoChat(
  { documents, snapshots, newId }: Parts,
  { id, contentId, conversationId }: SnapshotSummary,
): Promise<Result<ConversationId, GoOnFailure>> {
  const content = await snapshots.content(id);
  if (!content.ok) return err("unread");
  const chat = documents.open(conversationId);
  try {
    await whenLoaded(chat);
    if (!isThere(chat)) return err("chat-gone");
    const origin = { snapshotId: id, contentId };
    restoreSnapshot(chat.conversation, content.value, { origin, newId, settings: "taken-over" });
    await chat.stored();
    return ok(chat.id);
  } finally {
    chat.release();
  }
}

/** Written to as if it were empty, a chat that is only not here yet would get all of it twice. */
const isThere = (chat: OpenConversation): boolean =>
  chat.status().type === "ready" && chat.conversation.schemaVersion() > 0 && !chat.conversation.isDeleted();
