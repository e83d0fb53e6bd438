import { useCallback, useEffect } from "react";
import { askServer } from "#client/session/account-requests.ts";
import type { Refusal } from "#client/session/account-requests.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { Failed } from "#client/ui/failed.tsx";
import { useAnswer } from "#client/ui/use-answer.ts";
import { useAsking } from "#client/ui/use-asking.ts";
import { accountWords } from "#client/ui/words/account-words.ts";
import { refusalWords } from "#client/ui/words/refusal-words.ts";
import { workspaceWords } from "#client/ui/words/workspace-words.ts";
import { invitationSchema, joinedSchema, workspacesSchema } from "#shared/protocol/workspace-bodies.ts";
import type { Invitation } from "#shared/protocol/workspace-bodies.ts";
import { forgetInvite, keepInvite } from "./kept-invite.ts";

const said = accountWords.links;

interface JoinLinkProps {
  token: string;
  /** whoever has no account yet goes to get one */
  onSignIn: () => void;
  onClose: () => void;
}

/** Says where an invitation leads to, and takes it up. */
export function JoinLink({ token, onSignIn, onClose }: JoinLinkProps) {
  const { account, me } = useWorkspace();
  const look = useCallback(
    () => askServer(account.fetch, "POST", "/api/invites/look", { body: { token }, answer: invitationSchema }),
    [account, token],
  );
  const { answered } = useAnswer(look, joinRefusalWords);
  const { asking, ask } = useAsking(joinRefusalWords);
  // A guest who became an account meanwhile left the device, and took this along.
  useEffect(() => keepInvite(token), [token]);
  const join = async ({ role }: Invitation): Promise<void> => {
    const body = { token };
    const joined = await ask(() =>
      askServer(account.fetch, "POST", "/api/invites/accept", { body, answer: joinedSchema }),
    );
    if (!joined?.ok) return;
    forgetInvite();
    const { workspaceId: id } = joined.value;
    // Who was a member already stays what they are, whatever the invitation says.
    const listed = await askServer(account.fetch, "GET", "/api/workspaces", { answer: workspacesSchema });
    const entry = listed.ok ? listed.value.workspaces.find((one) => one.id === id) : undefined;
    await account.switchTo(entry ?? { id, role });
  };
  if (answered.type !== "read") {
    return answered.type === "reading" ? <p className="form-hint">{said.looking}</p> : <Failed asking={answered} />;
  }
  const { workspaceName, role } = answered.value;
  const isGuest = me.kind === "guest";
  return (
    <div className="form">
      <p dir="auto">{said.joinAbout(workspaceName, workspaceWords.asRole[role])}</p>
      <p className="form-hint">{isGuest ? said.joinGuest : workspaceWords.roles[role].does}</p>
      <Failed asking={asking} />
      <div className="form-buttons">
        {isGuest ? (
          <Button look="primary" onClick={onSignIn}>
            {said.joinToAccount}
          </Button>
        ) : (
          <Button look="primary" disabled={asking.type === "busy"} onClick={() => void join(answered.value)}>
            {asking.type === "busy" ? accountWords.busy : said.joinAction}
          </Button>
        )}
        <Button onClick={onClose}>{said.notNow}</Button>
      </div>
    </div>
  );
}

/** Which of the reasons it is, the server does not say: a link must tell nothing of a workspace to whom it is not for. */
const joinRefusalWords = (refusal: Refusal): string =>
  refusal.code === "not_found" || refusal.code === "invalid_body" ? said.joinOver : refusalWords(refusal);
