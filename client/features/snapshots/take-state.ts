import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { versionsOf } from "./snapshot-list-state.ts";

/** The model that was chosen in the settings; where none was, those that answered. */
export function modelsOf({ manifest: { settings }, messages }: FrozenContent): string[] {
  if (settings.model !== "") return [settings.model];
  return [...new Set(messages.flatMap(({ run }) => run?.model ?? []))];
}

/** The newest snapshot of a conversation, where it holds the very same. */
export function sameAsNewest(
  entries: readonly SnapshotEntry[],
  id: ConversationId,
  contentId: string,
): SnapshotEntry | undefined {
  const newest = versionsOf(entries, id)[0];
  return newest?.summary.contentId === contentId ? newest : undefined;
}
