import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import type { SnapshotSummary } from "#shared/domain/snapshot.ts";
import { displayTitle } from "#shared/domain/summary.ts";

/** What a person reads as a snapshot's name. */
export const titleOf = (summary: Pick<SnapshotSummary, "title" | "excerpt">): string =>
  displayTitle(summary) || snapshotWords.untitled;
