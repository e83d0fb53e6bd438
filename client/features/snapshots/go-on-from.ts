import type { OpenConversation } from "#client/local-store/documents.ts";
import { whenLoaded } from "#client/local-store/when-loaded.ts";
import type { Workspace } from "#client/session/workspace.ts";
import { restoreSnapshot } from "#shared/documents/restore-snapshot.ts";
import type { RestoreOptions } from "#shared/documents/restore-snapshot.ts";
import { thawInto } from "#shared/documents/thaw-snapshot.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { SnapshotSummary } from "#shared/domain/snapshot.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { isChatGone } from "./chat-gone.ts";

type Parts = Pick<Workspace, "documents" | "snapshots" | "newId">;

/** `unread`: what was frozen cannot be read here; the others: there is no chat here to restore it into. */
export type GoOnFailure = "unread" | "chat-gone" | "chat-deleted" | "chat-not-here" | "chat-read-only";

/** Whether model, system prompt and parameters of the chat become those of the snapshot. */
export type RestoredSettings = RestoreOptions["settings"];

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
  { documents, snapshots, library, newId }: Parts & Pick<Workspace, "library">,
  { id, contentId, conversationId }: SnapshotSummary,
  settings: RestoredSettings,
): Promise<Result<ConversationId, GoOnFailure>> {
  const content = await snapshots.content(id);
  if (!content.ok) return err("unread");
  if (isChatGone(library, conversationId)) return err("chat-gone");
  const chat = documents.open(conversationId);
  try {
    await whenLoaded(chat);
    const hindrance = hindranceOf(chat);
    if (hindrance) return err(hindrance);
    const origin = { snapshotId: id, contentId };
    restoreSnapshot(chat.conversation, content.value, { origin, newId, settings });
    await chat.stored();
    return ok(chat.id);
  } finally {
    chat.release();
  }
}

function hindranceOf(chat: OpenConversation): GoOnFailure | undefined {
  const { type } = chat.status();
  if (type !== "ready") return type === "read-only" ? "chat-read-only" : "chat-gone";
  // Written to as if it were empty, a chat that is only not here yet would get all of it twice.
  if (chat.conversation.schemaVersion() === 0) return "chat-not-here";
  return chat.conversation.isDeleted() ? "chat-deleted" : undefined;
}
