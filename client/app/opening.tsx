import { Button } from "#client/ui/button.tsx";
import { words } from "#client/ui/words/words.ts";
import "#client/ui/tokens.css";
import "#client/ui/base.css";
import "./app.css";

/** Shown while the library is read from this device. */
export function Opening() {
  return (
    <main className="whole-page" aria-busy="true">
      <p className="opening">{words.app.opening}</p>
    </main>
  );
}

/** Why the app can not open. `offline`: the first visit needs the server once. */
export type CannotOpenReason = "blocked" | "unavailable" | "offline" | "failed";

/** Shown when the app can not open on this device; what to do is part of it. */
export function CannotOpen({ reason, onTryAgain }: { reason: CannotOpenReason; onTryAgain: () => void }) {
  return (
    <main className="whole-page">
      <div className="blank" role="alert">
        <h1>{words.cannotOpen.title}</h1>
        <p>{words.cannotOpen[reason]}</p>
        <Button look="primary" onClick={onTryAgain}>
          {words.cannotOpen.again}
        </Button>
      </div>
    </main>
  );
}
