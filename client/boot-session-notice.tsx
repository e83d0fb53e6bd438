import { useEffect, useState } from "react";
import type { AccountControl } from "#client/session/account-control.ts";
import type { Session } from "#client/session/session.ts";
import { Button } from "#client/ui/button.tsx";
import { lazyPart } from "#client/ui/lazy-part.tsx";
import { ToastProvider } from "#client/ui/toast.tsx";
import { useWatched } from "#client/ui/use-watched.ts";
import { sessionWords } from "#client/ui/words/session-words.ts";

const signInDialog = lazyPart(async () => (await import("#client/features/account/sign-in-dialog.tsx")).SignInDialog);

/** Says that the server no longer takes this page for its account. What is on this device stays as it is. */
export function SessionNotice({ session, account }: { session: Session; account: AccountControl }) {
  const status = useWatched(session, () => session.status().type);
  const [signingIn, setSigningIn] = useState(false);
  useEffect(() => {
    if (status === "became") account.restart();
  }, [status, account]);
  if (status !== "ended" && status !== "other-account" && status !== "not-a-member") return null;
  const said = sessionWords[status];
  const act = (): void => {
    if (status === "ended") setSigningIn(true);
    else if (status === "other-account") account.restart();
    else startAnew();
  };
  const startAnew = (): void => void session.renew().then((known) => known && account.restart());
  return (
    <div className="session-notice" role="alert">
      <p>{session.me.sharedDevice ? said.shared : said.text}</p>
      <Button look="soft" onClick={act}>
        {said.action}
      </Button>
      {status === "ended" && session.me.kind === "guest" && (
        <Button onClick={startAnew}>{sessionWords.newGuest}</Button>
      )}
      {signingIn && (
        <ToastProvider>
          <signInDialog.Part account={account} onClose={() => setSigningIn(false)} />
        </ToastProvider>
      )}
    </div>
  );
}
