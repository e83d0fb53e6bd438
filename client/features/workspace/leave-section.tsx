import { askServer } from "#client/session/account-requests.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { Failed } from "#client/ui/failed.tsx";
import { Section } from "#client/ui/section.tsx";
import { SureButton } from "#client/ui/sure-button.tsx";
import { useAsking } from "#client/ui/use-asking.ts";
import { workspaceWords } from "#client/ui/words/workspace-words.ts";
import type { WorkspaceEntry } from "#shared/protocol/workspace-bodies.ts";

const said = workspaceWords.manage;

interface LeaveSectionProps {
  workspace: WorkspaceEntry;
  onLeft: () => Promise<void>;
}

/** The way out of a team; its owner hands it over first. */
export function LeaveSection({ workspace, onLeft }: LeaveSectionProps) {
  const { account } = useWorkspace();
  const { asking, ask } = useAsking();
  const leave = async (): Promise<void> => {
    const done = await ask(() => askServer(account.fetch, "POST", `/api/workspaces/${workspace.id}/leave`));
    if (done?.ok) await onLeft();
  };
  if (workspace.role === "owner") return <Section title={said.leaveTitle} about={said.leaveOwner} />;
  return (
    <Section title={said.leaveTitle} about={said.leaveAbout}>
      <Failed asking={asking} />
      <div className="form-buttons">
        <SureButton
          label={said.leave}
          look="soft"
          question={said.leaveSure}
          yes={said.leaveYes}
          no={said.leaveNo}
          danger
          disabled={asking.type === "busy"}
          onYes={() => void leave()}
        />
      </div>
    </Section>
  );
}
