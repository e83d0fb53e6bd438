import { useState } from "react";
import type { BrowserPlatform } from "#client/platform/browser-platform.ts";
import { SIGNED_OUT_KEY } from "#client/session/session.ts";
import { settleDevice } from "#client/session/settle-device.ts";
import { Button } from "#client/ui/button.tsx";
import { readTheme, showTheme } from "#client/ui/theme.ts";
import { accountWords as said } from "#client/ui/words/account-words.ts";
import { SignInForms, titleOf, useMethods } from "./sign-in-forms.tsx";
import type { SignInPage } from "./sign-in-forms.tsx";
import "#client/ui/tokens.css";
import "#client/ui/base.css";
import "./account.css";

showTheme(readTheme());

const page = new AbortController();
const begin = (): void => location.assign("/");

/** What stands in place of the app where nobody is signed in, and nobody is made a guest unasked. */
export function SignInScreen({ platform }: { platform: BrowserPlatform }) {
  const [form, setForm] = useState<SignInPage>("sign-in");
  const [fetch] = useState(() => fetchOnceSettled(platform));
  const methods = useMethods(fetch);
  const asGuest = (): void => {
    platform.smallStorage.write(SIGNED_OUT_KEY, "");
    begin();
  };
  return (
    <main className="sign-in-screen">
      <h1>{titleOf(form)}</h1>
      <p>{form === "sign-in" ? said.signIn.screenAbout : said[form === "sign-up" ? "signUp" : "forgot"].about}</p>
      <SignInForms key={form} page={form} fetch={fetch} methods={methods} onPage={setForm} onDone={begin} />
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
