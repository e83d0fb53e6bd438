import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { sameFields, useWatched } from "#client/ui/use-watched.ts";
import { words } from "#client/ui/words/words.ts";
import { syncWords } from "./sync-words.ts";
import "./sync-line.css";

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
          {syncWords(status)}
        </span>
        {status.type === "cannot-save" && (
          <p className="sync-advice" role="alert">
            {words.sync[status.reason]}
          </p>
        )}
        {status.type === "refused" && <RefusedAdvice {...status} onDismiss={() => sync.dismissUnreadable()} />}
      </div>
    </div>
  );
}

interface RefusedAdviceProps {
  documents: number;
  unreadable: number;
  onDismiss: () => void;
}

function RefusedAdvice({ documents, unreadable, onDismiss }: RefusedAdviceProps) {
  return (
    <div className="sync-advice" role="alert">
      {documents > unreadable && <p>{words.sync.refusedAdvice}</p>}
      {unreadable > 0 && (
        <>
          <p>{words.sync.unreadable(unreadable)}</p>
          <Button onClick={onDismiss}>{words.sync.dismiss}</Button>
        </>
      )}
    </div>
  );
}
