import { useState } from "react";
import type { Session } from "#client/session/session.ts";
import { Button } from "#client/ui/button.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { words } from "#client/ui/words/words.ts";

/** Says that the server no longer takes this page for its account. What is on this device stays as it is. */
export function SessionNotice({ session, onRenewed }: { session: Session; onRenewed: () => void }) {
  const status = useWatched(session, () => session.status().type);
  const [busy, setBusy] = useState(false);
  if (status !== "ended" && status !== "other-account") return null;
  const said = status === "ended" ? words.session.ended : words.session.otherAccount;
  const renew = async (): Promise<void> => {
    setBusy(true);
    if (await session.renew()) onRenewed();
    else setBusy(false);
  };
  return (
    <div className="session-notice" role="alert">
      <p>{said.text}</p>
      <Button look="soft" disabled={busy} onClick={() => void renew()}>
        {said.action}
      </Button>
    </div>
  );
}
