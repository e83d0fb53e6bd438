import type { SnapshotEntry, Snapshots } from "#client/local-store/snapshots.ts";

/**
 * Deletes a snapshot. One that the server refused is on this device alone and goes for good, so what it holds is read
 * first: to take it back is to take it again. Answers how to undo it; `undefined` where what it holds cannot be read.
 */
export async function deleteSnapshot(
  snapshots: Pick<Snapshots, "content" | "setDeleted" | "take">,
  { summary: { id, conversationId, title, note, tags }, state }: SnapshotEntry,
): Promise<(() => void) | undefined> {
  if (state.type !== "refused") {
    snapshots.setDeleted(id, true);
    return () => snapshots.setDeleted(id, false);
  }
  const content = await snapshots.content(id);
  snapshots.setDeleted(id, true);
  if (!content.ok) return undefined;
  return () => void snapshots.take({ id, conversationId, content: content.value, title, note, tags });
}
