import { useState } from "react";
import { useWorkspace } from "#client/session/workspace.ts";
import { SureButton } from "#client/ui/sure-button.tsx";
import { workspaceWords } from "#client/ui/words/workspace-words.ts";
import type { GivenRole, WorkspaceRole } from "#shared/domain/workspace.ts";
import type { Members } from "#shared/protocol/workspace-bodies.ts";
import { rolesFor } from "./member-rights-state.ts";

const { manage: said, roles: ROLES } = workspaceWords;

export type Member = Members["members"][number];

/** What to call a member. */
export const memberName = ({ name, email }: Member): string => name || (email ?? said.nameless);

interface MemberLineProps {
  member: Member;
  /** the role of whoever looks */
  mine: WorkspaceRole;
  /** resolves when it is known what became of it */
  onRole: (role: GivenRole) => Promise<void>;
  onRemove: () => void;
  onMakeOwner: () => void;
}

/** One member: what they are, and what may be changed about it. */
export function MemberLine({ member, mine, onRole, onRemove, onMakeOwner }: MemberLineProps) {
  const { me } = useWorkspace();
  const [chosen, setChosen] = useState<GivenRole>();
  const roles = rolesFor(mine, member.role);
  const name = memberName(member);
  const hints = [
    ...(member.accountId === me.accountId ? [said.you] : []),
    ...(member.name && member.email !== undefined ? [member.email] : []),
  ];
  const choose = (role: GivenRole): void => {
    setChosen(role);
    void onRole(role).then(() => setChosen(undefined));
  };
  return (
    <li>
      <span className="member-name">
        <span dir="auto">{name}</span>
        {hints.length > 0 && <span className="form-hint">{hints.join(" · ")}</span>}
      </span>
      {roles.length === 0 ? (
        <span className="member-role">{ROLES[member.role].name}</span>
      ) : (
        <select
          className="member-role"
          aria-label={said.roleOf(name)}
          value={chosen ?? member.role}
          onChange={(event) => {
            const role = roles.find((one) => one === event.target.value);
            if (role) choose(role);
          }}
        >
          {roles.map((role) => (
            <option key={role} value={role}>
              {ROLES[role].name}
            </option>
          ))}
        </select>
      )}
      {roles.length > 0 && (
        <span className="member-actions">
          {mine === "owner" && (
            <SureButton
              label={said.makeOwner}
              name={said.makeOwnerNamed(name)}
              question={said.makeOwnerSure}
              yes={said.makeOwnerYes}
              no={said.cancel}
              onYes={onMakeOwner}
            />
          )}
          <SureButton
            label={said.remove}
            name={said.removeNamed(name)}
            question={said.removeSure}
            yes={said.remove}
            no={said.keep}
            danger
            onYes={onRemove}
          />
        </span>
      )}
    </li>
  );
}
