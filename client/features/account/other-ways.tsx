import { askServer } from "#client/session/account-requests.ts";
import { knowsPasskeys, signInWithPasskey } from "#client/session/passkeys.ts";
import { Button } from "#client/ui/button.tsx";
import { Failed } from "#client/ui/failed.tsx";
import { useAsking } from "#client/ui/use-asking.ts";
import { accountWords } from "#client/ui/words/account-words.ts";
import type { Methods } from "#shared/protocol/account-bodies.ts";
import { oidcStartedSchema } from "#shared/protocol/oidc-bodies.ts";

const said = accountWords.signIn;

interface OtherWaysProps {
  fetch: typeof globalThis.fetch;
  methods: Methods | undefined;
  /** what is said of the device, beside who signs in */
  device: { sharedDevice?: true };
  /** somebody is signed in now */
  onDone: () => void;
}

/** Signing in without a password. */
export function OtherWays({ fetch, methods, device, onDone }: OtherWaysProps) {
  const { asking, ask } = useAsking();
  const withPasskey = async (): Promise<void> => {
    const done = await ask(() => signInWithPasskey(fetch, device));
    if (done?.ok) onDone();
  };
  const withProvider = async (): Promise<void> => {
    const started = await ask(() =>
      askServer(fetch, "POST", "/api/auth/oidc/start", { body: { next: "/", ...device }, answer: oidcStartedSchema }),
    );
    if (started?.ok) location.assign(started.value.url);
  };
  if (!knowsPasskeys() && !methods?.oidc) return null;
  return (
    <div className="account-ways">
      {knowsPasskeys() && (
        <Button look="soft" disabled={asking.type === "busy"} onClick={() => void withPasskey()}>
          {said.passkey}
        </Button>
      )}
      {methods?.oidc && (
        <Button look="soft" disabled={asking.type === "busy"} onClick={() => void withProvider()}>
          {said.oidc(methods.oidc.name)}
        </Button>
      )}
      <Failed asking={asking} />
    </div>
  );
}
