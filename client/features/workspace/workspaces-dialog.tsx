import { useCallback, useEffect, useState } from "react";
import { askServer } from "#client/session/account-requests.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { Dialog } from "#client/ui/dialog.tsx";
import { Read } from "#client/ui/read.tsx";
import { useAnswer } from "#client/ui/use-answer.ts";
import { workspaceWords } from "#client/ui/words/workspace-words.ts";
import { workspacesSchema } from "#shared/protocol/workspace-bodies.ts";
import { ManageWorkspace } from "./manage-workspace.tsx";
import { NewWorkspaceForm } from "./new-workspace-form.tsx";
import { WorkspaceList } from "./workspace-list.tsx";
import "./workspace.css";

const said = workspaceWords.list;

/** The workspaces of the account: open another one, make one, say who belongs to it. */
export function WorkspacesDialog({ onClose }: { onClose: () => void }) {
  const { account } = useWorkspace();
  const read = useCallback(
    () => askServer(account.fetch, "GET", "/api/workspaces", { answer: workspacesSchema }),
    [account],
  );
  const { answered, readAgain } = useAnswer(read);
  const [place, setPlace] = useState<{ view: "list" | "manage"; id?: string }>({ view: "list" });
  const entries = answered.type === "read" ? answered.value.workspaces : [];
  const managed = place.view === "manage" ? entries.find(({ id }) => id === place.id) : undefined;
  const failed = answered.type === "failed";
  // It may be that they belong to the open one no more: then nothing is answered in its name.
  useEffect(() => {
    if (failed) account.session.check();
  }, [failed, account]);
  if (managed) {
    const own = entries.find(({ kind }) => kind === "personal");
    return (
      <Dialog title={said.manageNamed(managed.name)} onClose={onClose}>
        <ManageWorkspace
          key={managed.id}
          workspace={managed}
          own={own}
          onBack={() => setPlace({ view: "list", id: managed.id })}
          onChanged={readAgain}
        />
      </Dialog>
    );
  }
  return (
    <Dialog title={said.title} about={said.about} onClose={onClose}>
      <Read answered={answered}>
        {({ workspaces }) => (
          <WorkspaceList
            workspaces={workspaces}
            cameFrom={place.id}
            onManage={(id) => setPlace({ view: "manage", id })}
          />
        )}
      </Read>
      <NewWorkspaceForm onCreated={readAgain} />
    </Dialog>
  );
}
