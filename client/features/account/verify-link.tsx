import { useEffect, useRef, useState } from "react";
import { askServer } from "#client/session/account-requests.ts";
import { Failed } from "#client/ui/failed.tsx";
import { Status } from "#client/ui/status.tsx";
import { useAsking } from "#client/ui/use-asking.ts";
import { accountWords } from "#client/ui/words/account-words.ts";
import { linkRefusalWords } from "./link-refusal-words.ts";

const said = accountWords.links;

interface VerifyLinkProps {
  fetch: typeof globalThis.fetch;
  token: string;
  onVerified?: () => void;
}

/** Confirms the e-mail address of whoever was sent the link, and says so. */
export function VerifyLink({ fetch, token, onVerified }: VerifyLinkProps) {
  const { asking, ask } = useAsking(linkRefusalWords);
  const [done, setDone] = useState(false);
  const begun = useRef(false);
  useEffect(() => {
    // Once: the link is used up by it.
    if (begun.current) return;
    begun.current = true;
    const verify = async (): Promise<void> => {
      const asked = await ask(() => askServer(fetch, "POST", "/api/auth/email/verify", { body: { token } }));
      if (!asked?.ok) return;
      setDone(true);
      onVerified?.();
    };
    void verify();
  });
  return (
    <>
      <Status>
        {asking.type !== "failed" && (done ? <span className="form-done">{said.verifyDone}</span> : said.verifying)}
      </Status>
      <Failed asking={asking} />
    </>
  );
}
