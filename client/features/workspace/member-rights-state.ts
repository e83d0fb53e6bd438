import { GIVEN_ROLES } from "#shared/domain/workspace.ts";
import type { GivenRole, WorkspaceRole } from "#shared/domain/workspace.ts";

// What is offered to somebody of a role. The server asks its own policy again whatever is offered here.

const BELOW_ADMIN = ["member", "guest"] as const satisfies readonly GivenRole[];

/** The roles somebody may invite others in; none where they may not invite. */
export function rolesToGive(mine: WorkspaceRole): readonly GivenRole[] {
  switch (mine) {
    case "owner":
      return GIVEN_ROLES;
    case "admin":
      return BELOW_ADMIN;
    case "member":
    case "guest":
      return [];
  }
}

/** The roles somebody may give a member of another role; none where they may not change or remove them. */
export function rolesFor(mine: WorkspaceRole, theirs: WorkspaceRole): readonly GivenRole[] {
  const roles = rolesToGive(mine);
  return roles.some((role) => role === theirs) ? roles : [];
}

/** Whether somebody may take back an invitation for a role. */
export const mayRevoke = (mine: WorkspaceRole, role: WorkspaceRole): boolean =>
  rolesToGive(mine).some((given) => given === role);

/** Whether somebody runs the workspace: renames it, invites people, sees who is invited. */
export const mayRun = (mine: WorkspaceRole): boolean => rolesToGive(mine).length > 0;
