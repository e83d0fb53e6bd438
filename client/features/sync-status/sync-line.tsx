import { Suspense, lazy, useEffect } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { sameFields, useWatched } from "#client/ui/use-watched.ts";
import { whenIdle } from "#client/ui/when-idle.ts";
import { words } from "#client/ui/words/words.ts";
import { syncWords } from "./sync-words.ts";
import "./sync-line.css";
import { Status } from "#client/ui/status.tsx";

const loadAdvice = () => import("./trouble-advice.tsx");
// Code that does not arrive must not take the app along.
const TroubleAdvice = lazy(() =>
  loadAdvice().then(
    ({ TroubleAdvice: Advice }) => ({ default: Advice }),
    () => ({ default: KeepOpen }),
  ),
);

/** What is true about where this person's words are stored right now (promise P4). */
export function SyncLine() {
  const { sync, me } = useWorkspace();
  const status = useWatched(sync, () => sync.status(), sameFields);
  const notice = useWatched(sync, () => sync.notice(), sameFields);
  // Advice is needed when nothing can be loaded any more.
  useEffect(() => whenIdle(() => void loadAdvice().catch(() => undefined)), []);
  const trouble = status.type === "cannot-save" || status.type === "refused" || notice !== undefined;
  return (
    <div className="sync-line" data-status={status.type}>
      <span className="sync-dot" aria-hidden="true" />
      <div>
        {/* Each keystroke passes through "Saving…": read on demand, never announced by itself. */}
        <Status aria-label={words.sync.label} aria-live="off">
          {syncWords(status)}
        </Status>
        {(trouble || me.sharedDevice) && (
          <Suspense fallback={trouble && <KeepOpen />}>
            <TroubleAdvice status={status} notice={notice} />
          </Suspense>
        )}
      </div>
    </div>
  );
}

function KeepOpen() {
  return <p className="sync-advice">{words.sync.keepOpen}</p>;
}
