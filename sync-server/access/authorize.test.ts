import { expect, test } from "vitest";
import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import { ACTIONS, authorize } from "./authorize.ts";
import type { Action, Resource } from "./authorize.ts";
import type { Principal } from "./principal.ts";

const account = (id: string) => id as AccountId;
const workspace = (id: string) => id as WorkspaceId;
const PRINCIPALS = {
  guest: { kind: "guest", accountId: account("a"), workspaceId: workspace("w"), sessionId: "s" },
  account: { kind: "account", accountId: account("a"), workspaceId: workspace("w"), sessionId: "s" },
  relay: { kind: "relay", accountId: account("a"), workspaceId: workspace("w") },
} as const satisfies Record<string, Principal>;
const of = (ownerId: string, workspaceId: string): Resource => ({
  kind: "document",
  ownerId: account(ownerId),
  workspaceId: workspace(workspaceId),
});
const RESOURCES = {
  own: of("a", "w"),
  "of another account": of("b", "w"),
  "of another workspace": of("a", "v"),
  "of another account and workspace": of("b", "v"),
  unclaimed: undefined,
  none: "none",
} as const;

/** Everything that is allowed; whatever is not listed here is refused. */
const ALLOWED: Record<Action, readonly string[]> = {
  "document.read": ["guest own", "account own", "relay own"],
  "document.write": ["guest own", "account own", "relay own"],
  "document.claim": ["guest unclaimed", "account unclaimed"],
  "document.erase": ["guest own", "account own"],
  "run.start": ["guest own", "account own"],
  "run.read": ["guest own", "account own"],
  "run.stop": ["guest own", "account own"],
  "library.read": ["guest none", "account none", "relay none"],
  "models.read": ["guest none", "account none", "relay none"],
};

test.each(ACTIONS)("%s is allowed to those of the table and to nobody else", (action) => {
  const allowed: string[] = [];
  for (const [who, principal] of Object.entries(PRINCIPALS))
    for (const [what, resource] of Object.entries(RESOURCES))
      if (authorize(principal, action, resource)) allowed.push(`${who} ${what}`);
  expect(allowed.toSorted()).toEqual([...ALLOWED[action]].toSorted());
});
