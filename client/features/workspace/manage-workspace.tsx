import { useCallback, useEffect, useRef } from "react";
import { askServer } from "#client/session/account-requests.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { useAnswer } from "#client/ui/use-answer.ts";
import { workspaceWords } from "#client/ui/words/workspace-words.ts";
import { membersSchema } from "#shared/protocol/workspace-bodies.ts";
import type { WorkspaceEntry } from "#shared/protocol/workspace-bodies.ts";
import { InviteSection } from "./invite-section.tsx";
import { LeaveSection } from "./leave-section.tsx";
import { mayRun } from "./member-rights-state.ts";
import { MembersSection } from "./members-section.tsx";
import { RenameForm } from "./rename-form.tsx";

const said = workspaceWords.manage;

interface ManageWorkspaceProps {
  workspace: WorkspaceEntry;
  /** the account's personal workspace */
  own: WorkspaceEntry | undefined;
  onBack: () => void;
  /** the list is to be read again */
  onChanged: () => Promise<void>;
}

/** One team: its name, who belongs to it, who is invited, and the way out. */
export function ManageWorkspace({ workspace, own, onBack, onChanged }: ManageWorkspaceProps) {
  const { me, account } = useWorkspace();
  const { id, role } = workspace;
  const read = useCallback(
    () => askServer(account.fetch, "GET", `/api/workspaces/${id}/members`, { answer: membersSchema }),
    [account, id],
  );
  const members = useAnswer(read);
  const back = useRef<HTMLButtonElement>(null);
  useEffect(() => back.current?.focus(), []);
  const left = async (): Promise<void> => {
    if (id === me.workspaceId && own) return await account.switchTo(own);
    await onChanged();
    onBack();
  };
  /** Who may do what is different now, maybe also of this page. */
  const changed = async (): Promise<void> => {
    await Promise.all([members.readAgain(), onChanged()]);
    account.session.check();
  };
  return (
    <>
      <Button ref={back} className="workspace-back" icon="left" onClick={onBack}>
        {said.back}
      </Button>
      {mayRun(role) && <RenameForm workspace={workspace} onRenamed={changed} />}
      <MembersSection workspace={workspace} answered={members.answered} onChanged={changed} />
      {mayRun(role) && <InviteSection workspace={workspace} />}
      <LeaveSection workspace={workspace} onLeft={left} />
    </>
  );
}
