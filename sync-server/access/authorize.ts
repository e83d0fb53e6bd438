import type { TokenScope } from "#shared/domain/access-token.ts";
import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import type { WorkspaceRole } from "#shared/domain/workspace.ts";
import type { AccountPrincipal, Principal } from "./principal.ts";

/** What exists, and as much of it as decides who may do what with it. */
export type Resource =
  | { kind: "document" | "run"; ownerId: AccountId; workspaceId: WorkspaceId }
  /** a workspace the caller belongs to; `role` is what they are in it */
  | { kind: "personal-workspace" }
  | { kind: "team-workspace"; role: WorkspaceRole };

export const ACTIONS = [
  "document.read",
  "document.write",
  "document.claim",
  "document.erase",
  "snapshot.create",
  "snapshot.read",
  "snapshot.change",
  "snapshot.erase",
  "snapshot.duplicate",
  "run.start",
  "run.read",
  "run.stop",
  "library.read",
  "models.read",
  "self.read",
  "session.manage",
  "password.change",
  "passkey.manage",
  "token.manage",
  "audit.read",
  "workspace.list",
  "workspace.create",
  "workspace.join",
  "workspace.read",
  "workspace.rename",
  "workspace.leave",
  "workspace.transfer",
  "workspace.audit",
  "member.list",
  "member.invite",
  "member.change",
  "admin.change",
] as const;
export type Action = (typeof ACTIONS)[number];

/** What the caller is to the resource. Of some resources they are several things at once. */
type Relation =
  /** theirs, in a workspace where they may write */
  | "owner"
  /** theirs, in a workspace where they may only read by now */
  | "reader"
  /** the server, writing the run of whose it is */
  | "relay"
  /** nothing of that id exists, and they may write here */
  | "unclaimed"
  /** the action is about no resource, or about what belongs to their account */
  | "self"
  /** the same, and they have an account of their own */
  | "registered"
  | "personal"
  | `team-${WorkspaceRole}`;

/** `scopes`: all that a token must be good for; where there are none, a token is never enough. */
interface Rule {
  who: readonly Relation[];
  scopes?: readonly TokenScope[];
}

const WHOLE_TEAM = ["team-owner", "team-admin", "team-member", "team-guest"] as const;
const RUN_THE_TEAM = ["team-owner", "team-admin"] as const;

/** Who may do what. */
const POLICY: Record<Action, Rule> = {
  "document.read": { who: ["owner", "reader", "relay"], scopes: ["chats:read"] },
  "document.write": { who: ["owner", "relay"], scopes: ["chats:write"] },
  "document.claim": { who: ["unclaimed"], scopes: ["chats:write"] },
  // What somebody wrote stays theirs to erase.
  "document.erase": { who: ["owner", "reader"], scopes: ["chats:write"] },
  // Each of these is answered with what was frozen, or makes a chat of it: a token has to be good for both.
  "snapshot.create": { who: ["unclaimed"], scopes: ["chats:read", "chats:write"] },
  "snapshot.change": { who: ["owner"], scopes: ["chats:read", "chats:write"] },
  "snapshot.duplicate": { who: ["owner"], scopes: ["chats:read", "chats:write"] },
  "snapshot.read": { who: ["owner", "reader"], scopes: ["chats:read"] },
  /** into the trash, and out of it for good */
  "snapshot.erase": { who: ["owner", "reader"], scopes: ["chats:write"] },
  "run.start": { who: ["owner"], scopes: ["runs"] },
  "run.read": { who: ["owner", "reader"], scopes: ["runs"] },
  "run.stop": { who: ["owner", "reader"], scopes: ["runs"] },
  "library.read": { who: ["self"], scopes: ["chats:read"] },
  "models.read": { who: ["self"], scopes: ["runs"] },
  "self.read": { who: ["self"], scopes: ["chats:read"] },
  "session.manage": { who: ["self"] },
  "password.change": { who: ["registered"] },
  "passkey.manage": { who: ["registered"] },
  "token.manage": { who: ["registered"] },
  "audit.read": { who: ["self"] },
  "workspace.list": { who: ["self"] },
  "workspace.create": { who: ["registered"] },
  "workspace.join": { who: ["registered"] },
  "workspace.read": { who: ["personal", ...WHOLE_TEAM] },
  "workspace.rename": { who: RUN_THE_TEAM },
  // The owner hands it over first.
  "workspace.leave": { who: ["team-admin", "team-member", "team-guest"] },
  "workspace.transfer": { who: ["team-owner"] },
  "workspace.audit": { who: RUN_THE_TEAM },
  "member.list": { who: ["personal", ...WHOLE_TEAM] },
  "member.invite": { who: RUN_THE_TEAM },
  "member.change": { who: RUN_THE_TEAM },
  /** makes somebody an admin, or touches one */
  "admin.change": { who: ["team-owner"] },
};

/**
 * The one answer to "may they?", for HTTP, SSE, sockets and pages alike. A refusal is shown to the caller as 404 where
 * it is about something that exists: that it does is private too.
 * @param resource `undefined` when nothing of that id exists for the caller, `"none"` when the action is about no resource
 */
export function authorize(principal: Principal, action: Action, resource: Resource | undefined | "none"): boolean {
  const { who, scopes } = POLICY[action];
  return isGoodFor(principal, scopes) && relationsOf(principal, resource).some((relation) => who.includes(relation));
}

/** Whether the caller's credential is good for an action at all, whatever it is done to. */
export const mayAttempt = (principal: AccountPrincipal, action: Action): boolean =>
  isGoodFor(principal, POLICY[action].scopes);

/** Whether an action is about no resource; whoever may do it is known before anything is looked up. */
export const isAboutNothing = (action: Action): boolean =>
  POLICY[action].who.some((one) => one === "self" || one === "registered");

function isGoodFor(principal: Principal, scopes: readonly TokenScope[] | undefined): boolean {
  if (principal.kind === "relay" || principal.credential.type === "session") return true;
  const { scopes: given } = principal.credential;
  return scopes !== undefined && scopes.every((scope) => given.includes(scope));
}

function relationsOf(principal: Principal, resource: Resource | undefined | "none"): readonly Relation[] {
  if (principal.kind === "relay") return isOwn(principal, resource) ? ["relay"] : [];
  const mayWrite = principal.role !== "guest";
  if (resource === "none") return principal.kind === "account" ? ["self", "registered"] : ["self"];
  if (resource === undefined) return mayWrite ? ["unclaimed"] : [];
  switch (resource.kind) {
    case "document":
    case "run":
      if (!isOwn(principal, resource)) return [];
      return mayWrite ? ["owner"] : ["reader"];
    case "personal-workspace":
      return ["personal"];
    case "team-workspace":
      return [`team-${resource.role}`];
  }
}

const isOwn = ({ accountId, workspaceId }: Principal, resource: Resource | undefined | "none"): boolean =>
  typeof resource === "object" &&
  (resource.kind === "document" || resource.kind === "run") &&
  resource.ownerId === accountId &&
  resource.workspaceId === workspaceId;
