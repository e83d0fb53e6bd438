import { useState } from "react";
import { askServer } from "#client/session/account-requests.ts";
import { Button } from "#client/ui/button.tsx";
import { Failed } from "#client/ui/failed.tsx";
import { Status } from "#client/ui/status.tsx";
import { accountWords } from "#client/ui/words/account-words.ts";
import type { Me } from "#shared/protocol/http-bodies.ts";
import { Section } from "#client/ui/section.tsx";
import { useAsking } from "#client/ui/use-asking.ts";

const said = accountWords.account;

/** Whose account it is, and whether the e-mail address is known to be theirs. */
export function ProfileSection({ me, fetch }: { me: Me; fetch: typeof globalThis.fetch }) {
  const { asking, ask } = useAsking();
  const [sent, setSent] = useState(false);
  const resend = async (): Promise<void> => {
    const done = await ask(() => askServer(fetch, "POST", "/api/account/email/verification"));
    if (done?.ok) setSent(true);
  };
  return (
    <Section title={said.profile}>
      <ul className="form-list">
        {me.name ? (
          <li>
            <span>{me.name}</span>
          </li>
        ) : null}
        <li>
          <span>{me.email}</span>
          <span className="form-hint">{me.emailVerified ? said.verified : said.unverified}</span>
          {!me.emailVerified && !sent && (
            <Button look="soft" disabled={asking.type === "busy"} onClick={() => void resend()}>
              {said.resend}
            </Button>
          )}
        </li>
      </ul>
      <Status>{sent && <span className="form-done">{said.resent}</span>}</Status>
      <Failed asking={asking} />
    </Section>
  );
}
