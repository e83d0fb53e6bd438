import { useCallback, useRef, useState } from "react";
import { askServer } from "#client/session/account-requests.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { Failed } from "#client/ui/failed.tsx";
import { Read } from "#client/ui/read.tsx";
import { Section } from "#client/ui/section.tsx";
import { Status } from "#client/ui/status.tsx";
import { useAnswer } from "#client/ui/use-answer.ts";
import { useAsking } from "#client/ui/use-asking.ts";
import { useFocusIfLost } from "#client/ui/use-focus-if-lost.ts";
import { formatDate } from "#client/ui/words/format-date.ts";
import { workspaceWords } from "#client/ui/words/workspace-words.ts";
import { Button } from "#client/ui/button.tsx";
import { invitesSchema } from "#shared/protocol/workspace-bodies.ts";
import type { Invites, WorkspaceEntry } from "#shared/protocol/workspace-bodies.ts";
import { InviteForm } from "./invite-form.tsx";
import { mayRevoke } from "./member-rights-state.ts";

const { invite: said, roles: ROLES } = workspaceWords;

/** Invites people to a team, and takes back what is not used yet. */
export function InviteSection({ workspace: { id, role } }: { workspace: WorkspaceEntry }) {
  const { account } = useWorkspace();
  const path = `/api/workspaces/${id}/invites`;
  const read = useCallback(() => askServer(account.fetch, "GET", path, { answer: invitesSchema }), [account, path]);
  const { answered, readAgain } = useAnswer(read);
  const { asking, ask } = useAsking();
  const [revoked, setRevoked] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  useFocusIfLost(heading, revoked);
  const revoke = async (invite: string): Promise<void> => {
    setRevoked(false);
    const done = await ask(() => askServer(account.fetch, "DELETE", `${path}/${invite}`));
    await readAgain();
    if (done?.ok) setRevoked(true);
  };
  return (
    <Section title={said.title} heading={heading}>
      <InviteForm path={path} mine={role} onCreated={() => void readAgain()} />
      <Read answered={answered}>
        {({ invites }) =>
          invites.length > 0 && (
            <>
              <h4 className="invites-title">{said.open}</h4>
              <ul className="form-list">
                {invites.map((invite) => (
                  <InviteLine
                    key={invite.id}
                    invite={invite}
                    onRevoke={mayRevoke(role, invite.role) ? () => void revoke(invite.id) : undefined}
                  />
                ))}
              </ul>
            </>
          )
        }
      </Read>
      <Status>{revoked && <span className="form-done">{said.revoked}</span>}</Status>
      <Failed asking={asking} />
    </Section>
  );
}

interface InviteLineProps {
  invite: Invites["invites"][number];
  /** absent where it is not theirs to take back */
  onRevoke: (() => void) | undefined;
}

function InviteLine({ invite, onRevoke }: InviteLineProps) {
  const whom = invite.email ?? said.anybody;
  return (
    <li>
      <span>
        {whom}
        <span className="form-hint">
          {[ROLES[invite.role].name, said.ends(formatDate(invite.expiresAt))].join(" · ")}
        </span>
      </span>
      {onRevoke && (
        <Button look="soft" aria-label={said.revokeNamed(whom)} onClick={onRevoke}>
          {said.revoke}
        </Button>
      )}
    </li>
  );
}
