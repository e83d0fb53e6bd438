import { useState } from "react";
import type { BrowserPlatform } from "#client/platform/browser-platform.ts";
import { goOnAsGuest } from "#client/session/change-account.ts";
import { settleDevice } from "#client/session/settle-device.ts";
import { Button } from "#client/ui/button.tsx";
import { readTheme, showTheme } from "#client/ui/theme.ts";
import { accountWords as said } from "#client/ui/words/account-words.ts";
import { LinkNotice } from "./link-notice.tsx";
import { ResetLink } from "./reset-link.tsx";
import { SignInForms, titleOf, useMethods } from "./sign-in-forms.tsx";
import type { SignInPage } from "./sign-in-forms.tsx";
import type { PageLink } from "./take-link.ts";
import "#client/ui/tokens.css";
import "#client/ui/base.css";
import "./account.css";

showTheme(readTheme());

const page = new AbortController();
const begin = (): void => location.replace("/");

interface SignInScreenProps {
  platform: BrowserPlatform;
  /** the link that opened the page */
  link: PageLink | undefined;
}

/** What stands in place of the app where nobody is signed in, and nobody is made a guest unasked. */
export function SignInScreen({ platform, link }: SignInScreenProps) {
  const [form, setForm] = useState<SignInPage>("sign-in");
  const [opened, setOpened] = useState(link);
  const [fetch] = useState(() => fetchOnceSettled(platform));
  const methods = useMethods(fetch);
  const asGuest = (): void => void goOnAsGuest(platform).then(begin);
  if (opened?.page === "reset") {
    return (
      <main className="sign-in-screen">
        <h1>{said.links.resetTitle}</h1>
        <p>{said.links.resetAbout}</p>
        <ResetLink token={opened.secret} fetch={fetch} onSignIn={() => setOpened(undefined)} />
      </main>
    );
  }
  return (
    <main className="sign-in-screen">
      {opened && <LinkNotice link={opened} fetch={fetch} />}
      <h1>{titleOf(form)}</h1>
      <p>{form === "sign-in" ? said.signIn.screenAbout : said[form === "sign-up" ? "signUp" : "forgot"].about}</p>
      <SignInForms page={form} fetch={fetch} methods={methods} onPage={setForm} onDone={begin} />
      {methods?.guests && (
        <div className="account-ways">
          <Button look="soft" onClick={asGuest}>
            {said.signIn.asGuest}
          </Button>
        </div>
      )}
    </main>
  );
}

/** Asks nothing with the cookie of whoever signed out here without a network, before the server has ended it. */
function fetchOnceSettled(platform: BrowserPlatform): typeof globalThis.fetch {
  return async (input, init) => {
    const { mayAsk } = await settleDevice(platform, page.signal);
    if (!mayAsk) throw new TypeError("The session of before is not over yet");
    return await platform.fetch(input, init);
  };
}
