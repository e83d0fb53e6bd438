import { useState } from "react";
import type { AccountControl } from "#client/session/account-control.ts";
import { Dialog } from "#client/ui/dialog.tsx";
import { accountWords } from "#client/ui/words/account-words.ts";
import { SignInForms, aboutOf, titleOf, useMethods } from "./sign-in-forms.tsx";
import type { SignInPage } from "./sign-in-forms.tsx";

interface SignInDialogProps {
  account: AccountControl;
  onClose: () => void;
}

/** Signs in, or makes an account, over the open app: what a guest has here comes along. */
export function SignInDialog({ account, onClose }: SignInDialogProps) {
  const [page, setPage] = useState<SignInPage>("sign-in");
  // Not in the name of the guest of this page: whoever signs in is somebody else from then on.
  const fetch = account.rawFetch;
  const methods = useMethods(fetch);
  const isAgain = page === "sign-in" && account.session.me.kind === "account";
  const done = (): void => {
    account.changed();
    // Where the page does not start again.
    onClose();
  };
  return (
    <Dialog title={titleOf(page)} about={isAgain ? accountWords.signIn.againAbout : aboutOf(page)} onClose={onClose}>
      <SignInForms
        isShared={account.session.me.sharedDevice === true}
        page={page}
        fetch={fetch}
        methods={methods}
        onPage={setPage}
        onDone={done}
      />
    </Dialog>
  );
}
