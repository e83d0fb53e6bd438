import { useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { Failed } from "#client/ui/failed.tsx";
import type { Asking } from "#client/ui/use-asking.ts";
import { accountWords } from "#client/ui/words/account-words.ts";
import { SignInDialog } from "./sign-in-dialog.tsx";

/** Why something was not done; whoever signed in too long ago for it can do so again, where they are. */
export function FailedOrStale({ asking }: { asking: Asking }) {
  const { account } = useWorkspace();
  const [signingIn, setSigningIn] = useState(false);
  const isStale = asking.type === "failed" && asking.code === "sign_in_again";
  return (
    <>
      <Failed asking={asking} />
      {isStale && (
        <div className="form-buttons">
          <Button look="soft" onClick={() => setSigningIn(true)}>
            {accountWords.signIn.again}
          </Button>
        </div>
      )}
      {signingIn && <SignInDialog account={account} onClose={() => setSigningIn(false)} />}
    </>
  );
}
