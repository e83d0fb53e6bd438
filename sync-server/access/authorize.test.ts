import { expect, test } from "vitest";
import type { TokenScope } from "#shared/domain/access-token.ts";
import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import type { WorkspaceRole } from "#shared/domain/workspace.ts";
import { ACTIONS, authorize } from "./authorize.ts";
import type { Action, Resource } from "./authorize.ts";
import type { Principal } from "./principal.ts";

const account = (id: string) => id as AccountId;
const workspace = (id: string) => id as WorkspaceId;
const here = { accountId: account("a"), workspaceId: workspace("w") };
const SESSION = { type: "session", sessionId: "s" } as const;
const token = (...scopes: TokenScope[]) => ({ type: "token", tokenId: "t", scopes }) as const;
const PRINCIPALS = {
  guest: { ...here, kind: "guest", role: "owner", credential: SESSION },
  account: { ...here, kind: "account", role: "member", credential: SESSION },
  "guest member": { ...here, kind: "account", role: "guest", credential: SESSION },
  reading: { ...here, kind: "account", role: "owner", credential: token("chats:read") },
  writing: { ...here, kind: "account", role: "owner", credential: token("chats:write") },
  running: { ...here, kind: "account", role: "owner", credential: token("runs") },
  relay: { ...here, kind: "relay" },
} as const satisfies Record<string, Principal>;
const of = (ownerId: string, workspaceId: string): Resource => ({
  kind: "document",
  ownerId: account(ownerId),
  workspaceId: workspace(workspaceId),
});
const team = (role: WorkspaceRole): Resource => ({ kind: "team-workspace", role });
const RESOURCES = {
  own: of("a", "w"),
  "of another account": of("b", "w"),
  "of another workspace": of("a", "v"),
  "of another account and workspace": of("b", "v"),
  unclaimed: undefined,
  none: "none",
  personal: { kind: "personal-workspace" },
  "team as owner": team("owner"),
  "team as admin": team("admin"),
  "team as member": team("member"),
  "team as guest": team("guest"),
} as const satisfies Record<string, Resource | undefined | "none">;

const people = (...things: string[]): string[] =>
  ["guest", "account", "guest member"].flatMap((who) => things.map((what) => `${who} ${what}`));
const WRITES = ["guest own", "account own"];

/** Everything that is allowed; whatever is not listed here is refused. */
const ALLOWED: Record<Action, readonly string[]> = {
  "document.read": [...people("own"), "reading own", "relay own"],
  "document.write": [...WRITES, "writing own", "relay own"],
  "document.claim": ["guest unclaimed", "account unclaimed", "writing unclaimed"],
  "document.erase": [...people("own"), "writing own"],
  "snapshot.create": ["guest unclaimed", "account unclaimed"],
  "snapshot.change": WRITES,
  "snapshot.duplicate": WRITES,
  "snapshot.read": [...people("own"), "reading own"],
  "snapshot.erase": [...people("own"), "writing own"],
  "run.start": [...WRITES, "running own"],
  "run.read": [...people("own"), "running own"],
  "run.stop": [...people("own"), "running own"],
  "library.read": [...people("none"), "reading none"],
  "models.read": [...people("none"), "running none"],
  "self.read": [...people("none"), "reading none"],
  "session.manage": people("none"),
  "password.change": ["account none", "guest member none"],
  "passkey.manage": ["account none", "guest member none"],
  "token.manage": ["account none", "guest member none"],
  "audit.read": people("none"),
  "workspace.list": people("none"),
  "workspace.create": ["account none", "guest member none"],
  "workspace.join": ["account none", "guest member none"],
  "workspace.read": people("personal", "team as owner", "team as admin", "team as member", "team as guest"),
  "workspace.rename": people("team as owner", "team as admin"),
  "workspace.leave": people("team as admin", "team as member", "team as guest"),
  "workspace.transfer": people("team as owner"),
  "workspace.audit": people("team as owner", "team as admin"),
  "member.list": people("personal", "team as owner", "team as admin", "team as member", "team as guest"),
  "member.invite": people("team as owner", "team as admin"),
  "member.change": people("team as owner", "team as admin"),
  "admin.change": people("team as owner"),
};

test.each(ACTIONS)("%s is allowed to those of the table and to nobody else", (action) => {
  const allowed: string[] = [];
  for (const [who, principal] of Object.entries(PRINCIPALS))
    for (const [what, resource] of Object.entries(RESOURCES))
      if (authorize(principal, action, resource)) allowed.push(`${who} ${what}`);
  expect(allowed.toSorted()).toEqual([...ALLOWED[action]].toSorted());
});
