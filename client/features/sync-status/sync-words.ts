import type { SyncStatus } from "#client/sync/sync-status.ts";
import { words } from "#client/ui/words/words.ts";

/** What a person is told about a status. */
export function syncWords(status: SyncStatus): string {
  switch (status.type) {
    case "saved":
      return words.sync.saved;
    case "saving":
      return words.sync.saving;
    case "offline":
      return words.sync.offline(status.changes);
    case "refused":
      return words.sync.refused(status.documents);
    case "cannot-save":
      return status.reason === "shared-device" ? words.sync.onlyHere : words.sync.cannotSave;
  }
}
