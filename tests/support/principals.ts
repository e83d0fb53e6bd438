import type { AccountPrincipal } from "#server/access/principal.ts";
import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";

/** Somebody who is signed in and acts in a workspace of their own. */
export const principalOf = (
  name: string,
  workspaceId = `workspace-${name}`,
  kind: AccountPrincipal["kind"] = "account",
): AccountPrincipal => ({
  kind,
  accountId: name as AccountId,
  workspaceId: workspaceId as WorkspaceId,
  role: "owner",
  credential: { type: "session", sessionId: `session-${name}` },
});
