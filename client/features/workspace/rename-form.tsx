import { useState } from "react";
import { askServer } from "#client/session/account-requests.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { Field } from "#client/ui/field.tsx";
import { FormFoot } from "#client/ui/form-foot.tsx";
import { Status } from "#client/ui/status.tsx";
import { submitting } from "#client/ui/submitting.ts";
import { useAsking } from "#client/ui/use-asking.ts";
import { workspaceWords } from "#client/ui/words/workspace-words.ts";
import { WORKSPACE_NAME_LENGTH } from "#shared/domain/workspace.ts";
import type { WorkspaceEntry } from "#shared/protocol/workspace-bodies.ts";

const said = workspaceWords.manage;

interface RenameFormProps {
  workspace: WorkspaceEntry;
  onRenamed: () => Promise<void>;
}

/** Gives a team another name. */
export function RenameForm({ workspace, onRenamed }: RenameFormProps) {
  const { account } = useWorkspace();
  const { asking, ask } = useAsking();
  const [name, setName] = useState(workspace.name);
  const [renamed, setRenamed] = useState(false);
  const submit = async (): Promise<void> => {
    setRenamed(false);
    const body = { name: name.trim() };
    const done = await ask(() => askServer(account.fetch, "PATCH", `/api/workspaces/${workspace.id}`, { body }));
    if (!done?.ok) return;
    await onRenamed();
    setRenamed(true);
  };
  return (
    <section className="form-section" aria-label={workspaceWords.list.name}>
      <form className="form" onSubmit={submitting(submit)}>
        <Field
          label={workspaceWords.list.name}
          required
          pattern=".*\S.*"
          maxLength={WORKSPACE_NAME_LENGTH}
          dir="auto"
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <Status>{renamed && <span className="form-done">{said.renamed}</span>}</Status>
        <FormFoot asking={asking} action={said.rename} look="soft" />
      </form>
    </section>
  );
}
