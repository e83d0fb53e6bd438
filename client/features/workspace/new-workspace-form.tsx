import { useState } from "react";
import { askServer } from "#client/session/account-requests.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { Field } from "#client/ui/field.tsx";
import { FormFoot } from "#client/ui/form-foot.tsx";
import { Section } from "#client/ui/section.tsx";
import { Status } from "#client/ui/status.tsx";
import { submitting } from "#client/ui/submitting.ts";
import { useAsking } from "#client/ui/use-asking.ts";
import { workspaceWords } from "#client/ui/words/workspace-words.ts";
import { WORKSPACE_NAME_LENGTH } from "#shared/domain/workspace.ts";

const said = workspaceWords.list;

/** Makes a team. Its id is made here: a form that is sent again after an answer got lost makes no second one. */
export function NewWorkspaceForm({ onCreated }: { onCreated: () => Promise<void> }) {
  const { account, newId } = useWorkspace();
  const { asking, ask } = useAsking();
  const [id, setId] = useState(newId);
  const [name, setName] = useState("");
  const [created, setCreated] = useState<string>();
  const submit = async (): Promise<void> => {
    setCreated(undefined);
    const body = { id, name: name.trim() };
    const done = await ask(() => askServer(account.fetch, "POST", "/api/workspaces", { body }));
    if (!done?.ok) return;
    setId(newId());
    setName("");
    await onCreated();
    setCreated(body.name);
  };
  return (
    <Section title={said.newTitle} about={said.newAbout}>
      <form className="form" onSubmit={submitting(submit)}>
        <Field
          label={said.name}
          required
          pattern=".*\S.*"
          maxLength={WORKSPACE_NAME_LENGTH}
          dir="auto"
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <Status>{created !== undefined && <span className="form-done">{said.created(created)}</span>}</Status>
        <FormFoot asking={asking} action={said.create} />
      </form>
    </Section>
  );
}
