import { useState } from "react";
import { askServer } from "#client/session/account-requests.ts";
import { Button } from "#client/ui/button.tsx";
import { PasswordField } from "./credential-fields.tsx";
import { FormFoot } from "#client/ui/form-foot.tsx";
import { Status } from "#client/ui/status.tsx";
import { submitting } from "#client/ui/submitting.ts";
import { useAsking } from "#client/ui/use-asking.ts";
import { accountWords } from "#client/ui/words/account-words.ts";
import { linkRefusalWords } from "./link-refusal-words.ts";

const said = accountWords.links;

interface ResetLinkProps {
  fetch: typeof globalThis.fetch;
  token: string;
  /** the new password is set, and they go on to use it */
  onSignIn: () => void;
}

/** Sets a new password by a link, and leads to signing in with it. */
export function ResetLink({ fetch, token, onSignIn }: ResetLinkProps) {
  const { asking, ask } = useAsking(linkRefusalWords);
  const [password, setPassword] = useState("");
  const [done, setDone] = useState(false);
  const submit = async (): Promise<void> => {
    const body = { token, password };
    const asked = await ask(() => askServer(fetch, "POST", "/api/auth/password/reset", { body }));
    if (asked?.ok) setDone(true);
  };
  return (
    <div className="form">
      <Status>{done && <span className="form-done">{said.resetDone}</span>}</Status>
      {done ? (
        <div className="form-buttons">
          <Button ref={(button) => button?.focus()} look="primary" onClick={onSignIn}>
            {said.toSignIn}
          </Button>
        </div>
      ) : (
        <form className="form" onSubmit={submitting(submit)}>
          <PasswordField use="new" label={accountWords.account.next} value={password} onChange={setPassword} />
          <FormFoot asking={asking} action={said.resetAction} />
        </form>
      )}
    </div>
  );
}
