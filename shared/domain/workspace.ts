/** What somebody is in a workspace. Each has one owner. A guest reads and comments what is shared, and writes no chats. */
export const WORKSPACE_ROLES = ["owner", "admin", "member", "guest"] as const;
export type WorkspaceRole = (typeof WORKSPACE_ROLES)[number];

/** The roles that may be given: ownership is handed over, never given. */
export const GIVEN_ROLES = ["admin", "member", "guest"] as const satisfies readonly WorkspaceRole[];
export type GivenRole = (typeof GIVEN_ROLES)[number];

export const WORKSPACE_NAME_LENGTH = 80;
