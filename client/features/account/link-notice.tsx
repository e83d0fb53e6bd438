import { useEffect } from "react";
import { accountWords } from "#client/ui/words/account-words.ts";
import { failedWords } from "./failed-words.ts";
import { keepInvite } from "./kept-invite.ts";
import type { PageLink } from "./take-link.ts";
import { VerifyLink } from "./verify-link.tsx";

interface LinkNoticeProps {
  link: PageLink;
  fetch: typeof globalThis.fetch;
}

/** What a link says to somebody who is not signed in, above the way to do that. A new password is `ResetLink`. */
export function LinkNotice({ link: { page, secret }, fetch }: LinkNoticeProps) {
  useEffect(() => {
    if (page !== "join") return;
    // At the last moment: until somebody is signed in, what whoever left this device kept in it is swept away again.
    const keep = (): void => keepInvite(secret);
    addEventListener("pagehide", keep);
    return () => removeEventListener("pagehide", keep);
  }, [page, secret]);
  switch (page) {
    case "verify":
      return <VerifyLink fetch={fetch} token={secret} />;
    case "join":
      return <p className="form-done">{accountWords.links.joinFirst}</p>;
    case "failed":
      return (
        <p className="form-failed" role="alert">
          {failedWords(secret)}
        </p>
      );
    case "reset":
      return null;
  }
}
