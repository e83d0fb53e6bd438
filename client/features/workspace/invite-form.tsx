import { useState } from "react";
import { askServer } from "#client/session/account-requests.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { Choice } from "#client/ui/choice.tsx";
import { copyText } from "#client/ui/clipboard.ts";
import { Field } from "#client/ui/field.tsx";
import { FormFoot } from "#client/ui/form-foot.tsx";
import { Status } from "#client/ui/status.tsx";
import { submitting } from "#client/ui/submitting.ts";
import { useAsking } from "#client/ui/use-asking.ts";
import { words } from "#client/ui/words/words.ts";
import { workspaceWords } from "#client/ui/words/workspace-words.ts";
import type { GivenRole, WorkspaceRole } from "#shared/domain/workspace.ts";
import { createdInviteSchema } from "#shared/protocol/workspace-bodies.ts";
import type { CreatedInvite } from "#shared/protocol/workspace-bodies.ts";
import { rolesToGive } from "./member-rights-state.ts";

const { invite: said, roles: ROLES } = workspaceWords;
const DAY_MS = 86_400_000;

interface InviteFormProps {
  /** of the workspace's invitations */
  path: string;
  mine: WorkspaceRole;
  onCreated: () => void;
}

/** Makes an invitation, and shows its link this once. */
export function InviteForm({ path, mine, onCreated }: InviteFormProps) {
  const { account, newId } = useWorkspace();
  const { asking, ask } = useAsking();
  const [role, setRole] = useState<GivenRole>("member");
  const [email, setEmail] = useState("");
  const [created, setCreated] = useState<CreatedInvite>();
  const submit = async (): Promise<void> => {
    setCreated(undefined);
    const body = { id: newId(), role, ...(email.trim() !== "" && { email: email.trim() }) };
    const done = await ask(() => askServer(account.fetch, "POST", path, { body, answer: createdInviteSchema }));
    if (!done?.ok) return;
    setCreated(done.value);
    setEmail("");
    onCreated();
  };
  return (
    <form className="form" onSubmit={submitting(submit)}>
      <Choice
        label={said.role}
        hint={ROLES[role].does}
        options={rolesToGive(mine).map((one) => [one, ROLES[one].name])}
        value={role}
        onChoose={setRole}
      />
      <Field
        label={said.email}
        hint={said.emailHint}
        type="email"
        autoComplete="off"
        value={email}
        onChange={(event) => setEmail(event.target.value)}
      />
      <FormFoot asking={asking} action={said.create} />
      <Status>{created && <span className="form-done">{shownWords(created)}</span>}</Status>
      {created && <InviteLink key={created.id} link={`${location.origin}/join#${created.token}`} />}
    </form>
  );
}

const shownWords = ({ email, createdAt, expiresAt }: CreatedInvite): string =>
  [
    said.shown(Math.round((expiresAt - createdAt) / DAY_MS)),
    email === undefined ? said.shownForAll : said.shownFor(email),
  ].join(" ");

function InviteLink({ link }: { link: string }) {
  const [outcome, setOutcome] = useState<string>();
  const copy = async (): Promise<void> => setOutcome((await copyText(link)) ? said.copied : words.app.cannotCopy);
  return (
    <>
      <code className="form-secret">{link}</code>
      <div className="form-buttons">
        <Button look="soft" onClick={() => void copy()}>
          {said.copy}
        </Button>
        <Status className="form-hint">{outcome}</Status>
      </div>
    </>
  );
}
