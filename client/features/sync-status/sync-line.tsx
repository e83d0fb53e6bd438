import type { SyncStatus } from "#client/sync/sync-status.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { sameFields, useWatched } from "#client/ui/use-watched.ts";
import { words } from "#client/ui/words/words.ts";
import "./sync-line.css";

function wordsOf(status: SyncStatus): string {
  switch (status.type) {
    case "saved":
      return words.sync.saved;
    case "saving":
      return words.sync.saving;
    case "offline":
      return words.sync.offline(status.changes);
    case "cannot-save":
      return words.sync.cannotSave;
  }
}

/** What is true about where this person's words are stored right now (promise P4). */
export function SyncLine() {
  const { sync } = useWorkspace();
  const status = useWatched(sync, () => sync.status(), sameFields);
  return (
    <div className="sync-line" data-status={status.type}>
      <span className="sync-dot" aria-hidden="true" />
      <div>
        {/* Each keystroke passes through "Saving…": read on demand, never announced by itself. */}
        {/* oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- an output element is the result of a form */}
        <span role="status" aria-label={words.sync.label} aria-live="off">
          {wordsOf(status)}
        </span>
        {status.type === "cannot-save" && (
          <p className="sync-advice" role="alert">
            {words.sync[status.reason]}
          </p>
        )}
      </div>
    </div>
  );
}
