import { askServer } from "#client/session/account-requests.ts";
import type { AccountControl } from "#client/session/account-control.ts";
import { Button } from "#client/ui/button.tsx";
import { Read } from "#client/ui/read.tsx";
import { Section } from "#client/ui/section.tsx";
import { useAsking } from "#client/ui/use-asking.ts";
import { accountWords } from "#client/ui/words/account-words.ts";
import { credentialsSchema, oidcStartedSchema } from "#shared/protocol/oidc-bodies.ts";
import { FailedOrStale } from "./failed-or-stale.tsx";
import { useMethods } from "./sign-in-forms.tsx";
import { useServerAnswer } from "./use-server-answer.ts";

const said = accountWords.account;

/** The account at the server's provider as one more way to sign in; nothing where the server has no provider. */
export function ProviderSection({ account }: { account: AccountControl }) {
  const provider = useMethods(account.rawFetch)?.oidc;
  return provider ? <Provider name={provider.name} fetch={account.fetch} /> : null;
}

function Provider({ name, fetch }: { name: string; fetch: typeof globalThis.fetch }) {
  const { answered, readAgain } = useServerAnswer(fetch, "/api/account/credentials", credentialsSchema);
  const { asking, ask } = useAsking();
  const isBusy = asking.type === "busy";
  const add = async (): Promise<void> => {
    const body = { next: "/" };
    const started = await ask(() => askServer(fetch, "POST", "/api/account/oidc", { body, answer: oidcStartedSchema }));
    if (started?.ok) location.assign(started.value.url);
  };
  const remove = async (): Promise<void> => {
    await ask(() => askServer(fetch, "DELETE", "/api/account/oidc"));
    await readAgain();
  };
  return (
    <Section title={name} about={said.providerAbout(name)}>
      <Read answered={answered}>
        {({ oidc }) => (
          <div className="form-buttons">
            <Button look="soft" disabled={isBusy} onClick={() => void (oidc ? remove() : add())}>
              {oidc ? said.providerRemove(name) : said.providerAdd(name)}
            </Button>
          </div>
        )}
      </Read>
      <FailedOrStale asking={asking} />
    </Section>
  );
}
