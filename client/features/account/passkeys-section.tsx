import { useState } from "react";
import { askServer } from "#client/session/account-requests.ts";
import { addPasskey, knowsPasskeys } from "#client/session/passkeys.ts";
import { Button } from "#client/ui/button.tsx";
import { useAsking } from "#client/ui/use-asking.ts";
import { accountWords } from "#client/ui/words/account-words.ts";
import { formatDate } from "#client/ui/words/format-date.ts";
import { passkeysSchema } from "#shared/protocol/passkey-bodies.ts";
import type { Passkey } from "#shared/protocol/passkey-bodies.ts";
import { browserName } from "./browser-name.ts";
import { FailedOrStale } from "./failed-or-stale.tsx";
import { Field } from "#client/ui/field.tsx";
import { Read } from "#client/ui/read.tsx";
import { Section } from "#client/ui/section.tsx";
import { useServerAnswer } from "./use-server-answer.ts";
import { submitting } from "#client/ui/submitting.ts";

const said = accountWords.account;

/** The passkeys of the account: seen by name, added on this device, removed. */
export function PasskeysSection({ fetch }: { fetch: typeof globalThis.fetch }) {
  const { answered, readAgain } = useServerAnswer(fetch, "/api/passkeys", passkeysSchema);
  const { asking, ask } = useAsking();
  const [name, setName] = useState(() => browserName(navigator.userAgent) ?? "");
  const add = async (): Promise<void> => {
    await ask(() => addPasskey(fetch, name));
    await readAgain();
  };
  const remove = async (id: string): Promise<void> => {
    await ask(() => askServer(fetch, "DELETE", `/api/passkeys/${id}`));
    await readAgain();
  };
  return (
    <Section title={said.passkeys}>
      <Read answered={answered}>
        {({ passkeys }) =>
          passkeys.length === 0 ? (
            <p className="form-hint">{said.passkeyNone}</p>
          ) : (
            <ul className="form-list">
              {passkeys.map((passkey) => (
                <PasskeyLine key={passkey.id} passkey={passkey} onRemove={() => void remove(passkey.id)} />
              ))}
            </ul>
          )
        }
      </Read>
      <FailedOrStale asking={asking} />
      {knowsPasskeys() && (
        <form className="form" onSubmit={submitting(add)}>
          <Field
            label={said.passkeyName}
            required
            maxLength={80}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
          <div className="form-buttons">
            <Button look="soft" type="submit" disabled={asking.type === "busy"}>
              {said.passkeyAdd}
            </Button>
          </div>
        </form>
      )}
    </Section>
  );
}

function PasskeyLine({ passkey, onRemove }: { passkey: Passkey; onRemove: () => void }) {
  const { name, keeper, synced, createdAt } = passkey;
  const about = [keeper, synced ? said.passkeySynced : undefined, said.passkeySince(formatDate(createdAt))];
  return (
    <li>
      <span>
        {name}
        <span className="form-hint">{about.filter(Boolean).join(" · ")}</span>
      </span>
      <Button look="soft" aria-label={said.passkeyNamed(name)} onClick={onRemove}>
        {said.remove}
      </Button>
    </li>
  );
}
