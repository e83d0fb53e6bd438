import { useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { Dialog } from "#client/ui/dialog.tsx";
import { accountWords } from "#client/ui/words/account-words.ts";
import { JoinLink } from "./join-link.tsx";
import { failedWords } from "./failed-words.ts";
import { forgetInvite } from "./kept-invite.ts";
import type { PageLink } from "./take-link.ts";
import { ResetLink } from "./reset-link.tsx";
import { SignInDialog } from "./sign-in-dialog.tsx";
import { VerifyLink } from "./verify-link.tsx";

const said = accountWords.links;

interface LinkDialogProps {
  link: PageLink;
  onClose: () => void;
}

/** What a link that opened the app leads to, over the app. */
export function LinkDialog({ link, onClose }: LinkDialogProps) {
  const { account } = useWorkspace();
  const [signingIn, setSigningIn] = useState(false);
  const signIn = (): void => setSigningIn(true);
  const leave = (): void => {
    forgetInvite();
    onClose();
  };
  // Who signs in comes back to an invitation: the page starts again.
  if (signingIn)
    return <SignInDialog account={account} onClose={link.page === "join" ? () => setSigningIn(false) : onClose} />;
  switch (link.page) {
    case "verify":
      return (
        <Dialog title={said.verifyTitle} onClose={onClose}>
          <div className="form">
            {/* Whoever is signed in here need not be whose address it is. */}
            <VerifyLink fetch={account.rawFetch} token={link.secret} onVerified={() => account.session.check()} />
            <CloseButton onClose={onClose} />
          </div>
        </Dialog>
      );
    case "reset":
      return (
        <Dialog title={said.resetTitle} about={said.resetAbout} onClose={onClose}>
          <ResetLink fetch={account.rawFetch} token={link.secret} onSignIn={signIn} />
        </Dialog>
      );
    case "join":
      return (
        <Dialog title={said.joinTitle} onClose={leave}>
          <JoinLink token={link.secret} onSignIn={signIn} onClose={leave} />
        </Dialog>
      );
    case "failed":
      return (
        <Dialog title={said.failedTitle} about={failedWords(link.secret)} onClose={onClose}>
          <CloseButton onClose={onClose} />
        </Dialog>
      );
  }
}

function CloseButton({ onClose }: { onClose: () => void }) {
  return (
    <div className="form-buttons">
      <Button look="soft" onClick={onClose}>
        {said.close}
      </Button>
    </div>
  );
}
