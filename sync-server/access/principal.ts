import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";

/** Who is calling. The relay is the server itself writing the output of an account's run. */
export type Principal = AccountPrincipal | RelayPrincipal;

export interface AccountPrincipal {
  kind: "guest" | "account";
  accountId: AccountId;
  /** the workspace the request acts in; a guest has only their personal one */
  workspaceId: WorkspaceId;
  sessionId: string;
}

export interface RelayPrincipal {
  kind: "relay";
  accountId: AccountId;
  workspaceId: WorkspaceId;
}

/** The name under which updates are logged and Yjs clientIDs are bound: devices and relay never share one. */
export const actorOf = (principal: Principal): string =>
  principal.kind === "relay" ? "relay" : `account:${principal.accountId}`;
