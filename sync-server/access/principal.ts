import type { TokenScope } from "#shared/domain/access-token.ts";
import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import type { WorkspaceRole } from "#shared/domain/workspace.ts";

/** Who is calling. The relay is the server itself writing the output of an account's run. */
export type Principal = AccountPrincipal | RelayPrincipal;

export interface AccountPrincipal {
  /** `guest`: somebody without an account of their own yet */
  kind: "guest" | "account";
  accountId: AccountId;
  /** the workspace the request acts in: their personal one where none is named */
  workspaceId: WorkspaceId;
  /** what they are in that workspace */
  role: WorkspaceRole;
  credential: Credential;
}

/** What the caller showed. */
export type Credential =
  | { type: "session"; sessionId: string }
  | { type: "token"; tokenId: string; scopes: readonly TokenScope[] };

export interface RelayPrincipal {
  kind: "relay";
  accountId: AccountId;
  workspaceId: WorkspaceId;
}

/** The server itself, for an account: what it does then is no right of whoever asked for it. */
export const relayOf = ({ accountId, workspaceId }: Pick<Principal, "accountId" | "workspaceId">): RelayPrincipal => ({
  kind: "relay",
  accountId,
  workspaceId,
});

/** The name under which updates are logged and Yjs clientIDs are bound: devices and relay never share one. */
export const actorOf = (principal: Principal): string =>
  principal.kind === "relay" ? "relay" : accountActor(principal.accountId);

export const accountActor = (accountId: AccountId): string => `account:${accountId}`;
