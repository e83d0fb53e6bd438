import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import type { Principal } from "./principal.ts";

/** What exists and whom it belongs to. `undefined` where a resource would be: nothing of that id exists yet. */
export interface Resource {
  kind: "document" | "run";
  ownerId: AccountId;
  workspaceId: WorkspaceId;
}

export const ACTIONS = [
  "document.read",
  "document.write",
  "document.claim",
  "document.erase",
  "run.start",
  "run.read",
  "run.stop",
  "library.read",
  "models.read",
] as const;
export type Action = (typeof ACTIONS)[number];

type Relation = "owner" | "relay" | "unclaimed" | "stranger" | "self";

/**
 * Who may do what. `owner`: the account and workspace of the resource are the caller's. `relay`: the server
 * writing that account's run. `unclaimed`: no such resource yet. `self`: the action names no resource.
 */
const POLICY: Record<Action, readonly Relation[]> = {
  "document.read": ["owner", "relay"],
  "document.write": ["owner", "relay"],
  "document.claim": ["unclaimed"],
  "document.erase": ["owner"],
  "run.start": ["owner"],
  "run.read": ["owner"],
  "run.stop": ["owner"],
  "library.read": ["self"],
  "models.read": ["self"],
};

/**
 * The one answer to "may they?", for HTTP, SSE and sockets alike. A refusal is shown to the caller as 404:
 * that something exists is private too.
 * @param resource `undefined` when nothing of that id exists, `"none"` when the action is about no resource
 */
export function authorize(principal: Principal, action: Action, resource: Resource | undefined | "none"): boolean {
  return POLICY[action].includes(relationOf(principal, resource));
}

function relationOf(principal: Principal, resource: Resource | undefined | "none"): Relation {
  if (resource === "none") return "self";
  if (resource === undefined) return principal.kind === "relay" ? "stranger" : "unclaimed";
  const own = resource.ownerId === principal.accountId && resource.workspaceId === principal.workspaceId;
  if (!own) return "stranger";
  return principal.kind === "relay" ? "relay" : "owner";
}
