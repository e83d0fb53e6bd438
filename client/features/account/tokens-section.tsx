import { useState } from "react";
import { askServer } from "#client/session/account-requests.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { Failed } from "#client/ui/failed.tsx";
import { copyText } from "#client/ui/clipboard.ts";
import { accountWords } from "#client/ui/words/account-words.ts";
import { formatDate } from "#client/ui/words/format-date.ts";
import { TOKEN_DAYS, TOKEN_NAME_LENGTH, TOKEN_SCOPES } from "#shared/domain/access-token.ts";
import type { TokenScope } from "#shared/domain/access-token.ts";
import { createdTokenSchema, tokensSchema } from "#shared/protocol/token-bodies.ts";
import type { Tokens } from "#shared/protocol/token-bodies.ts";
import { Field } from "#client/ui/field.tsx";
import { Read } from "#client/ui/read.tsx";
import { Section } from "#client/ui/section.tsx";
import { useServerAnswer } from "./use-server-answer.ts";
import { FormFoot } from "#client/ui/form-foot.tsx";
import { submitting } from "#client/ui/submitting.ts";
import { useAsking } from "#client/ui/use-asking.ts";

const said = accountWords.account;
const USUAL_DAYS = 90;

/** Personal access tokens: seen by name, made, shown once, revoked. */
export function TokensSection({ fetch }: { fetch: typeof globalThis.fetch }) {
  const { answered, readAgain } = useServerAnswer(fetch, "/api/tokens", tokensSchema);
  const { asking, ask } = useAsking();
  const revoke = async (id: string): Promise<void> => {
    await ask(() => askServer(fetch, "DELETE", `/api/tokens/${id}`));
    await readAgain();
  };
  return (
    <Section title={said.tokens} about={said.tokensAbout}>
      <Read answered={answered}>
        {({ tokens }) => (
          <ul className="form-list">
            {tokens.map((token) => (
              <TokenLine key={token.id} token={token} onRevoke={() => void revoke(token.id)} />
            ))}
          </ul>
        )}
      </Read>
      <Failed asking={asking} />
      <NewToken fetch={fetch} onCreated={() => void readAgain()} />
    </Section>
  );
}

function TokenLine({ token, onRevoke }: { token: Tokens["tokens"][number]; onRevoke: () => void }) {
  const scopes = TOKEN_SCOPES.filter((scope) => token.scopes.includes(scope)).map((scope) => said.tokenScopes[scope]);
  const used = token.lastUsedAt === undefined ? [] : [said.tokenUsed(formatDate(token.lastUsedAt))];
  return (
    <li>
      <span>
        {token.name}
        <span className="form-hint">
          {[...scopes, said.tokenExpires(formatDate(token.expiresAt)), ...used].join(" · ")}
        </span>
      </span>
      <Button look="soft" aria-label={said.revokeNamed(token.name)} onClick={onRevoke}>
        {said.revoke}
      </Button>
    </li>
  );
}

function NewToken({ fetch, onCreated }: { fetch: typeof globalThis.fetch; onCreated: () => void }) {
  const { newId } = useWorkspace();
  const { asking, ask } = useAsking();
  const [name, setName] = useState("");
  const [days, setDays] = useState(USUAL_DAYS);
  const [scopes, setScopes] = useState<readonly TokenScope[]>(["chats:read"]);
  const [shown, setShown] = useState<string>();
  const toggle = (scope: TokenScope): void =>
    setScopes(scopes.includes(scope) ? scopes.filter((one) => one !== scope) : [...scopes, scope]);
  const submit = async (): Promise<void> => {
    const body = { id: newId(), name, scopes, days };
    const made = await ask(() => askServer(fetch, "POST", "/api/tokens", { body, answer: createdTokenSchema }));
    if (!made?.ok) return;
    setShown(made.value.token);
    setName("");
    onCreated();
  };
  return (
    <form className="form" onSubmit={submitting(submit)}>
      <Field
        label={said.tokenName}
        required
        maxLength={TOKEN_NAME_LENGTH}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <fieldset className="account-checks">
        {TOKEN_SCOPES.map((scope) => (
          <label key={scope}>
            <input type="checkbox" checked={scopes.includes(scope)} onChange={() => toggle(scope)} />
            {said.tokenScopes[scope]}
          </label>
        ))}
      </fieldset>
      <Field
        label={said.tokenDays}
        type="number"
        min={1}
        max={TOKEN_DAYS}
        required
        value={days}
        onChange={(event) => setDays(event.target.valueAsNumber)}
      />
      {shown !== undefined && (
        <div className="form">
          <p className="form-hint">{said.tokenShown}</p>
          <code className="form-secret">{shown}</code>
          <div className="form-buttons">
            <Button look="soft" onClick={() => void copyText(shown)}>
              {said.tokenCopy}
            </Button>
          </div>
        </div>
      )}
      <FormFoot asking={asking} action={said.tokenCreate} />
    </form>
  );
}
