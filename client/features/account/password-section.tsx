import { useState } from "react";
import { askServer } from "#client/session/account-requests.ts";
import { Status } from "#client/ui/status.tsx";
import { accountWords } from "#client/ui/words/account-words.ts";
import { PasswordField } from "./credential-fields.tsx";
import { Section } from "#client/ui/section.tsx";
import { FormFoot } from "#client/ui/form-foot.tsx";
import { submitting } from "#client/ui/submitting.ts";
import { useAsking } from "#client/ui/use-asking.ts";

const said = accountWords.account;

/** Changes the password; every other session ends by it. */
export function PasswordSection({ fetch }: { fetch: typeof globalThis.fetch }) {
  const { asking, ask } = useAsking();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [changed, setChanged] = useState(false);
  const submit = async (): Promise<void> => {
    setChanged(false);
    const done = await ask(() => askServer(fetch, "POST", "/api/account/password", { body: { current, next } }));
    if (!done?.ok) return;
    setCurrent("");
    setNext("");
    setChanged(true);
  };
  return (
    <Section title={said.password}>
      <form className="form" onSubmit={submitting(submit)}>
        <PasswordField use="current" label={said.current} value={current} onChange={setCurrent} />
        <PasswordField use="new" label={said.next} value={next} onChange={setNext} />
        <Status>{changed && <span className="form-done">{said.changed}</span>}</Status>
        <FormFoot asking={asking} action={said.change} />
      </form>
    </Section>
  );
}
