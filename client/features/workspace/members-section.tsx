import { useRef, useState } from "react";
import { askServer } from "#client/session/account-requests.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { Failed } from "#client/ui/failed.tsx";
import { Read } from "#client/ui/read.tsx";
import { Section } from "#client/ui/section.tsx";
import { Status } from "#client/ui/status.tsx";
import type { Answered } from "#client/ui/use-answer.ts";
import { useAsking } from "#client/ui/use-asking.ts";
import { useFocusIfLost } from "#client/ui/use-focus-if-lost.ts";
import { workspaceWords } from "#client/ui/words/workspace-words.ts";
import { WORKSPACE_ROLES } from "#shared/domain/workspace.ts";
import type { GivenRole } from "#shared/domain/workspace.ts";
import type { Members, WorkspaceEntry } from "#shared/protocol/workspace-bodies.ts";
import { MemberLine, memberName } from "./member-line.tsx";
import type { Member } from "./member-line.tsx";

const said = workspaceWords.manage;

interface MembersSectionProps {
  workspace: WorkspaceEntry;
  answered: Answered<Members>;
  onChanged: () => Promise<void>;
}

/** Who belongs to a team, and what whoever runs it may change about that. */
export function MembersSection({ workspace, answered, onChanged }: MembersSectionProps) {
  const { asking, done, change, remove, makeOwner } = useMemberChanges(workspace.id, onChanged);
  const heading = useRef<HTMLHeadingElement>(null);
  useFocusIfLost(heading, done);
  return (
    <Section title={said.members} heading={heading}>
      <Read answered={answered}>
        {({ members }) => (
          <ul className="members">
            {members.map((member) => (
              <MemberLine
                key={member.accountId}
                member={member}
                mine={workspace.role}
                onRole={(role) => change(member, role)}
                onRemove={() => void remove(member)}
                onMakeOwner={() => void makeOwner(member)}
              />
            ))}
          </ul>
        )}
      </Read>
      <Status>{done !== undefined && <span className="form-done">{done}</span>}</Status>
      <Failed asking={asking} />
      <details className="roles">
        <summary>{said.rolesTitle}</summary>
        <dl>
          {WORKSPACE_ROLES.map((role) => (
            <div key={role}>
              <dt>{workspaceWords.roles[role].name}</dt>
              <dd>{workspaceWords.roles[role].does}</dd>
            </div>
          ))}
        </dl>
      </details>
    </Section>
  );
}

function useMemberChanges(workspaceId: string, onChanged: () => Promise<void>) {
  const { account } = useWorkspace();
  const { asking, ask } = useAsking();
  const [done, setDone] = useState<string>();
  /** by account: the role that was chosen last; the keyboard passes through others on its way */
  const wishes = useRef(new Map<string, { member: Member; role: GivenRole }>());
  const fulfilling = useRef<Promise<void>>(undefined);
  const path = `/api/workspaces/${workspaceId}`;

  async function doIt(method: "PATCH" | "POST" | "DELETE", at: string, words: string, body?: object): Promise<void> {
    setDone(undefined);
    const asked = await ask(() => askServer(account.fetch, method, `${path}${at}`, body && { body }));
    if (asked === undefined) return;
    await onChanged();
    if (asked.ok) setDone(words);
  }
  async function fulfil(): Promise<void> {
    for (const [id, { member, role }] of wishes.current) {
      wishes.current.delete(id);
      const words = said.roleChanged(memberName(member), workspaceWords.asRole[role]);
      await doIt("PATCH", `/members/${id}`, words, { role });
    }
    fulfilling.current = undefined;
  }
  return {
    asking,
    done,
    /** One change after the other; resolves when the last one that was wished for is made, or is not. */
    change(member: Member, role: GivenRole): Promise<void> {
      wishes.current.set(member.accountId, { member, role });
      return (fulfilling.current ??= fulfil());
    },
    remove: (member: Member) => doIt("DELETE", `/members/${member.accountId}`, said.removed(memberName(member))),
    makeOwner: (member: Member) =>
      doIt("POST", "/transfer", said.handedOver(memberName(member)), { accountId: member.accountId }),
  };
}
