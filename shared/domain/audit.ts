import type { AccountId, WorkspaceId } from "./ids.ts";
import type { WorkspaceRole } from "./workspace.ts";

/** What is written down. Each names what was tried; `outcome` says whether it was done, so a failed sign-in is `account.sign-in`, refused. */
export const AUDIT_ACTIONS = [
  "account.sign-up",
  "account.sign-in",
  "account.sign-out",
  /** a guest's chats became the account's */
  "account.merge-guest",
  /** a session was ended from elsewhere, or by a changed password */
  "session.end",
  "password.change",
  "password.request-reset",
  "password.reset",
  "email.verify",
  "passkey.add",
  "passkey.remove",
  /** an account at an OpenID Connect provider was added to this one, to sign in with */
  "oidc.add",
  "oidc.remove",
  /** written down only where it was refused */
  "resource.access",
  "workspace.create",
  "workspace.rename",
  "workspace.delete",
  /** ownership was handed over */
  "workspace.transfer",
  "member.invite",
  "member.join",
  "member.leave",
  "member.remove",
  "member.change-role",
  "invite.revoke",
  "token.create",
  "token.revoke",
  /** at most once per token and hour */
  "token.use",
  /** a snapshot left as a signed file */
  "snapshot.export",
  /** it went into the trash, came out of it, or was erased for good */
  "snapshot.delete",
  "snapshot.restore",
  "snapshot.erase",
  "library.export",
  "library.import",
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export const AUDIT_OUTCOMES = ["ok", "refused"] as const;
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

/** How somebody showed who they are. `link`: by one they were mailed. */
export const AUDIT_METHODS = ["password", "passkey", "oidc", "anonymous", "link"] as const;
export type AuditMethod = (typeof AUDIT_METHODS)[number];

/** What has an id of its own: an account for all but a token. */
export const KNOWN_ACTORS = ["guest", "account", "relay", "token"] as const;
export const NAMELESS_ACTORS = ["nobody", "system"] as const;
export type AuditActor =
  | { kind: (typeof KNOWN_ACTORS)[number]; id: string }
  | { kind: (typeof NAMELESS_ACTORS)[number]; id?: undefined };

export const AUDIT_TARGETS = [
  "account",
  "session",
  "passkey",
  "workspace",
  "invite",
  "token",
  "document",
  "run",
] as const;
export type AuditTargetKind = (typeof AUDIT_TARGETS)[number];

/** One line of the audit log: ids, codes and numbers only, never content, e-mail addresses or credentials. */
export interface AuditEntry {
  action: AuditAction;
  outcome: AuditOutcome;
  actor: AuditActor;
  /** whose own log shows it */
  accountId?: AccountId | undefined;
  /** whose admins see it */
  workspaceId?: WorkspaceId | undefined;
  /** its id may be what a stranger sent: what is no id is written down as `malformed` */
  target?: { kind: AuditTargetKind; id: string } | undefined;
  method?: AuditMethod | undefined;
  /** the role that was given */
  role?: WorkspaceRole | undefined;
  /** the network somebody came from: an address without its last part */
  address?: string | undefined;
  /** a stable code, as of a problem */
  reason?: string | undefined;
}

/** An entry as it is in the log. */
export interface LoggedAuditEntry extends AuditEntry {
  /** its place in the log, from 1 */
  seq: number;
  /** ms since 1970 by the server's clock */
  at: number;
}
