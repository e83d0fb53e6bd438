import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TokenScope } from "#shared/domain/access-token.ts";
import type { WorkspaceRole } from "#shared/domain/workspace.ts";
import { WORKSPACE_PARAMETER } from "#shared/protocol/account-header.ts";
import { OPERATIONS } from "#server/http/operations.ts";
import { newId, send } from "#tests/support/attacked-server.ts";
import type { Answer } from "#tests/support/attacked-server.ts";
import { atRest } from "#tests/support/policy-cast.ts";
import type { Caller, CallerName } from "#tests/support/policy-cast.ts";
import { variationsOf } from "#tests/support/policy-ids.ts";
import type { Place, Variation } from "#tests/support/policy-ids.ts";
import { RECIPES, ask, askSocket, outcomeOf } from "#tests/support/policy-requests.ts";
import type { Asking, Fresh } from "#tests/support/policy-requests.ts";
import { openPolicyServer } from "#tests/support/policy-server.ts";
import type { PolicyServer } from "#tests/support/policy-server.ts";
import { changedTables, rowsOfAccount, storedRows } from "#tests/support/stored-rows.ts";
import { inWorkspace } from "#tests/support/written-chat.ts";

/** Who may do an operation, and what they are answered. */
interface Row {
  who: "anybody" | "signed in" | "registered";
  /** which token is enough; without one none is */
  token?: TokenScope;
  /** as what, in the team that the request names */
  as?: readonly WorkspaceRole[];
  /** not by who is a guest where they act */
  writes?: true;
  taken: string;
  /** of each document that is named: what its owner is told, who may only read, and anybody else */
  each?: { own: string; readOnly?: string; foreign: string };
  /** the answer to a foreign id in this place, where it is not the usual 404 */
  foreign?: Readonly<Record<string, string>>;
}

const TEAM = ["owner", "admin", "member", "guest"] as const;
const ADMINS = ["owner", "admin"] as const;

/**
 * Who may do what: written down here once more, and on purpose not read from the policy of the server, so that a rule
 * which was changed there by mistake is noticed. A new operation needs a row.
 */
const TABLE: Readonly<Record<string, Row>> = {
  "GET /api/auth/methods": { who: "anybody", taken: "200" },
  "POST /api/auth/sign-in/anonymous": { who: "anybody", taken: "204" },
  "POST /api/auth/sign-in": { who: "anybody", taken: "401 wrong_credentials" },
  "POST /api/auth/sign-up": { who: "anybody", taken: "409 email_taken" },
  "POST /api/auth/sign-out": { who: "anybody", taken: "204" },
  "POST /api/auth/passkey/options": { who: "anybody", taken: "200" },
  "POST /api/auth/passkey/sign-in": { who: "anybody", taken: "401 wrong_credentials" },
  "POST /api/auth/oidc/start": { who: "anybody", taken: "200" },
  "GET /api/auth/callback/oidc": { who: "anybody", taken: "302" },
  "POST /api/auth/password/forgot": { who: "anybody", taken: "204" },
  "POST /api/auth/password/reset": { who: "anybody", taken: "410 gone" },
  "POST /api/auth/email/verify": { who: "anybody", taken: "410 gone" },
  "POST /share": { who: "anybody", taken: "303" },
  "GET /api/openapi.json": { who: "anybody", taken: "200" },
  "GET /.well-known/jwks.json": { who: "anybody", taken: "200" },
  "GET /healthz": { who: "anybody", taken: "200" },
  "GET /readyz": { who: "anybody", taken: "200" },
  // It has a token of its own, which is nobody's here.
  "GET /metrics": { who: "anybody", taken: "401 unauthenticated" },

  "GET /api/me": { who: "signed in", token: "chats:read", taken: "200" },
  "POST /api/account/password": { who: "registered", taken: "401 wrong_credentials" },
  "POST /api/account/email/verification": { who: "registered", taken: "204" },
  "GET /api/account/credentials": { who: "registered", taken: "200" },
  "POST /api/account/oidc": { who: "registered", taken: "200" },
  "DELETE /api/account/oidc": { who: "registered", taken: "204" },
  "GET /api/passkeys": { who: "registered", taken: "200" },
  "POST /api/passkeys/options": { who: "registered", taken: "200" },
  "POST /api/passkeys": { who: "registered", taken: "422 passkey_invalid" },
  "PATCH /api/passkeys/:id": { who: "registered", taken: "204" },
  "DELETE /api/passkeys/:id": { who: "registered", taken: "204" },
  "GET /api/sessions": { who: "signed in", taken: "200" },
  "DELETE /api/sessions": { who: "signed in", taken: "204" },
  "DELETE /api/sessions/:id": { who: "signed in", taken: "204" },
  "GET /api/tokens": { who: "registered", taken: "200" },
  "POST /api/tokens": { who: "registered", taken: "201" },
  "DELETE /api/tokens/:id": { who: "registered", taken: "204" },
  "GET /api/audit": { who: "signed in", taken: "200" },

  "GET /api/workspaces": { who: "signed in", taken: "200" },
  "POST /api/workspaces": { who: "registered", taken: "201" },
  "PATCH /api/workspaces/:id": { who: "signed in", as: ADMINS, taken: "204" },
  "POST /api/workspaces/:id/leave": { who: "signed in", as: ["admin", "member", "guest"], taken: "204" },
  "POST /api/workspaces/:id/transfer": { who: "signed in", as: ["owner"], taken: "204" },
  "GET /api/workspaces/:id/members": { who: "signed in", as: TEAM, taken: "200" },
  "PATCH /api/workspaces/:id/members/:accountId": { who: "signed in", as: ADMINS, taken: "204" },
  "DELETE /api/workspaces/:id/members/:accountId": { who: "signed in", as: ADMINS, taken: "204" },
  "GET /api/workspaces/:id/invites": { who: "signed in", as: ADMINS, taken: "200" },
  "POST /api/workspaces/:id/invites": { who: "signed in", as: ADMINS, taken: "201" },
  // Only the owner takes back what would make somebody an admin: to admins that is foreign.
  "DELETE /api/workspaces/:id/invites/:inviteId": { who: "signed in", as: ADMINS, taken: "204" },
  "GET /api/workspaces/:id/audit": { who: "signed in", as: ADMINS, taken: "200" },
  // Whoever holds the link of an invitation that is for somebody else sees where it leads to, and cannot go there.
  "POST /api/invites/look": { who: "signed in", token: "chats:read", taken: "200" },
  "POST /api/invites/accept": { who: "registered", taken: "200" },

  "GET /api/sync/feed": { who: "signed in", token: "chats:read", taken: "200" },
  "POST /api/sync/pull": {
    who: "signed in",
    token: "chats:read",
    taken: "state,state",
    each: { own: "state", foreign: "gone" },
  },
  "POST /api/sync/push": {
    who: "signed in",
    token: "chats:write",
    taken: "acknowledged,acknowledged",
    each: { own: "acknowledged", readOnly: "refused", foreign: "gone" },
  },
  // One's own, and not in the trash. Who became a guest may still erase what they wrote.
  "DELETE /api/conversations/:id": { who: "signed in", token: "chats:write", taken: "409 not_deleted" },
  // What answers with what was frozen, or makes a chat of it, takes a token that is good for both reading and writing.
  "POST /api/snapshots": { who: "signed in", writes: true, taken: "201" },
  "GET /api/snapshots": { who: "signed in", token: "chats:read", taken: "200" },
  // Nothing was ever frozen of what is foreign.
  "POST /api/snapshots/messages": {
    who: "signed in",
    token: "chats:read",
    taken: "200",
    foreign: { conversationId: "200" },
  },
  "GET /api/snapshots/:id": { who: "signed in", token: "chats:read", taken: "200" },
  "GET /api/snapshots/:id/file": { who: "signed in", token: "chats:read", taken: "200" },
  "PATCH /api/snapshots/:id": { who: "signed in", writes: true, taken: "200" },
  // One's own. Who became a guest may still throw away what they took.
  "DELETE /api/snapshots/:id": { who: "signed in", token: "chats:write", taken: "204" },
  "POST /api/snapshots/:id/duplicate": { who: "signed in", writes: true, taken: "201" },
  "PUT /api/runs/:id": {
    who: "signed in",
    token: "runs",
    writes: true,
    taken: "201",
    // The id of a message is looked for in its own conversation only: there, one of somebody else's is a new one.
    foreign: { conversationId: "404 parent_missing", parentMessageId: "404 parent_missing", messageId: "201" },
  },
  "GET /api/runs/:id": { who: "signed in", token: "runs", taken: "200" },
  "GET /api/runs/:id/events": { who: "signed in", token: "runs", taken: "200" },
  "POST /api/runs/:id/stop": { who: "signed in", token: "runs", taken: "200" },
  "GET /api/models": { who: "signed in", token: "runs", taken: "200" },
  "SOCKET /sync/:room": {
    who: "signed in",
    token: "chats:read",
    taken: "open",
    each: { own: "open", readOnly: "read-only", foreign: "closed 4404" },
  },
  "SOCKET /sync": {
    who: "signed in",
    token: "chats:read",
    taken: "open,open",
    each: { own: "open", readOnly: "read-only", foreign: "closed 4404" },
  },
};
const DOORS = ["SOCKET /sync/:room", "SOCKET /sync"];
const operations = new Map(OPERATIONS.map((one) => [`${one.method.toUpperCase()} ${one.path}`, one]));
const NAMES = [...operations.keys(), ...DOORS];

/** Which workspace the request says it acts in. */
const TENANTS = ["none named", "their own", "the team", "the victim's team", "the victim's own", "never was"] as const;
type Tenant = (typeof TENANTS)[number];

const NOBODIES = new Set<CallerName>(["nobody", "revoked token", "expired token", "ended session"]);
const SCOPES: Partial<Record<CallerName, TokenScope>> = {
  "reading token": "chats:read",
  "writing token": "chats:write",
  "running token": "runs",
};
const ROLES: Partial<Record<CallerName, WorkspaceRole>> = {
  "team guest": "guest",
  member: "member",
  admin: "admin",
  owner: "owner",
};

/** Where a request acts; `undefined` in a workspace that is not the caller's. A token has one only, and acts there. */
function placeOf(caller: CallerName, tenant: Tenant): Place | undefined {
  if (NOBODIES.has(caller)) return undefined;
  const isToken = SCOPES[caller] !== undefined;
  switch (tenant) {
    case "none named":
      return isToken ? "team" : "home";
    case "their own":
      return isToken ? undefined : "home";
    case "the team":
      return isToken || ROLES[caller] !== undefined ? "team" : undefined;
    case "the victim's team":
    case "the victim's own":
    case "never was":
      return undefined;
  }
}

/** Why the table refuses, before any id is looked at. */
function refusal(row: Row, caller: CallerName, tenant: Tenant): string | undefined {
  if (NOBODIES.has(caller)) return "401 unauthenticated";
  if (placeOf(caller, tenant) === undefined) return "404 not_found";
  if (!isGoodFor(row, caller)) return "403 scope_missing";
  if (row.who === "registered" && caller === "lone guest") return "409 account_needed";
  if (row.as && !row.as.some((role) => role === ROLES[caller])) return "404 not_found";
  return row.writes && isReader(caller, tenant) ? "404 not_found" : undefined;
}

const isGoodFor = ({ token }: Row, caller: CallerName): boolean =>
  SCOPES[caller] === undefined || SCOPES[caller] === token;
const isReader = (caller: CallerName, tenant: Tenant): boolean =>
  caller === "team guest" && placeOf(caller, tenant) === "team";

/** The answer by the table alone. */
function expected(name: string, row: Row, caller: CallerName, tenant: Tenant, variation: Variation): string {
  if (row.who === "anybody") return row.taken;
  const refused = refusal(row, caller, tenant);
  if (DOORS.includes(name))
    return refused === undefined || isPastDoor(refused) ? each(row, caller, tenant, variation) : "401";
  if (refused !== undefined) return refused;
  if (row.each) return each(row, caller, tenant, variation);
  const answers = variation.foreign.map((field) => row.foreign?.[field] ?? "404 not_found");
  // What can never be is found before what may yet arrive, and that before what is new.
  return ["404 not_found", "404 parent_missing"].find((one) => answers.includes(one)) ?? row.taken;
}

/** A socket is let in and then closed where a browser has to be told more than a refused upgrade can say. */
const isPastDoor = (refused: string): boolean => refused === "403 scope_missing";

function each(row: Row, caller: CallerName, tenant: Tenant, { ids, foreign }: Variation): string {
  const { own = "", readOnly = own, foreign: closed = "" } = row.each ?? {};
  // By a token nobody writes on a socket: that takes another one.
  const mine = isReader(caller, tenant) || (SCOPES[caller] === "chats:read" && own === "open") ? readOnly : own;
  return Object.keys(ids)
    .map((field) => (isGoodFor(row, caller) && !foreign.includes(field) ? mine : closed))
    .join();
}

interface Cell {
  caller: Caller;
  tenant: Tenant;
  variation: Variation;
  query: string;
  expected: string;
}

function cellsOf(name: string): Cell[] {
  const [row, recipe] = [TABLE[name], RECIPES[name]];
  if (row === undefined || recipe === undefined) throw new Error(`nobody says who may ${name}`);
  // What anybody may, they may whatever they say they act in.
  const tenants = row.who === "anybody" ? TENANTS.slice(0, 1) : TENANTS;
  return cast.callers.flatMap((caller) =>
    tenants.flatMap((tenant) =>
      variationsOf(cast, recipe.ids ?? {}, caller, placeOf(caller.name, tenant)).flatMap((variation) =>
        (recipe.queries ?? [""]).map((query) => ({
          caller,
          tenant,
          variation,
          query,
          expected: expected(name, row, caller.name, tenant, variation),
        })),
      ),
    ),
  );
}

const isRefused = (name: string, outcome: string): boolean => {
  const row = TABLE[name];
  const words = row?.each ? [row.each.own, row.each.readOnly, "open"] : [row?.taken];
  return !outcome.split(",").some((one) => words.includes(one));
};

let server: PolicyServer;
let target: PolicyServer["target"];
let cast: PolicyServer["cast"];
let victimsRows: Readonly<Record<string, string>>;
/** what each refusal says, as it says it of what never was */
const refusals = new Map<string, string>();
const count = { cells: 0, taken: 0, unexpected: 0 };

beforeAll(async () => {
  server = await openPolicyServer();
  ({ target, cast } = server);
  victimsRows = rowsOfAccount(target.database, cast.people.victim.me.accountId);
  const { cookie } = cast.people.outsider;
  refusals.set(
    "404 not_found",
    wordsOf(await send(target.port, { path: `/api/runs/${newId()}`, headers: { cookie } })),
  );
}, 120_000);
afterAll(async () => {
  await server?.close();
});

/** All of an answer but when it was given. */
function wordsOf(answer: Answer): string {
  const { date: _, ...headers } = answer.headers;
  return JSON.stringify({ headers, body: answer.body });
}

const tenantOf = (tenant: Tenant, { person }: Caller): string | undefined => {
  switch (tenant) {
    case "none named":
      return undefined;
    case "their own":
      return person?.me.workspaceId ?? newId();
    case "the team":
      return cast.team;
    case "the victim's team":
      return cast.victimsTeam;
    case "the victim's own":
      return cast.people.victim.me.workspaceId;
    case "never was":
      return newId();
  }
};

/** What nobody but its owner may ever read. */
function secretsBefore(name: string, { person }: Caller): string[] {
  const others = Object.values(cast.people).filter((one) => one.canary !== person?.canary);
  const { me, home, inTeam, sessionId, tokenId } = cast.people.victim;
  const ids = [me.accountId, me.workspaceId, cast.victimsTeam, sessionId, tokenId, cast.victimsInvite.id];
  // An audit log names what was asked for in vain.
  const named = name.endsWith("audit") ? [] : [...ids, ...Object.values(home), ...Object.values(inTeam ?? {})];
  return [...others.map(({ canary }) => canary), me.email ?? "", ...named];
}

interface Heard {
  outcome: string;
  /** every byte of the answer */
  text: string;
  /** what a refusal says; "" for anything else */
  words: string;
}

/** Asks for a cell, with ids and a credential that may be used up where it is to be taken. */
async function askFor(name: string, cell: Cell, speaks: boolean): Promise<Heard & { sent: readonly unknown[] }> {
  const { caller, tenant, variation, query } = cell;
  const recipe = RECIPES[name] ?? {};
  const isTaken = !isRefused(name, cell.expected);
  const fresh: Fresh = (isTaken && (await recipe.fresh?.(cast, caller, placeOf(caller.name, tenant)))) || {};
  const ids = { ...variation.ids, ...fresh.ids };
  const own = tenant === "their own" ? fresh.workspaceId : undefined;
  const asking = { headers: fresh.headers ?? caller.headers, ids, query };
  const heard = await answerOf(name, asking, own ?? tenantOf(tenant, caller), speaks);
  return { ...heard, sent: Object.values(ids) };
}

async function answerOf(name: string, asking: Asking, workspace: string | undefined, speaks: boolean): Promise<Heard> {
  const operation = operations.get(name);
  if (operation === undefined) {
    const query = workspace === undefined ? "" : `?${WORKSPACE_PARAMETER}=${workspace}`;
    const { outcome, heard } = await askSocket(cast, { ...asking, query }, speaks);
    return { outcome, text: heard.toString("latin1"), words: "" };
  }
  const headers = { ...asking.headers, ...inWorkspace(workspace) };
  const answer = await ask(cast, operation, RECIPES[name] ?? {}, { ...asking, headers });
  return {
    outcome: outcomeOf(operation, answer),
    text: (answer.bytes ?? Buffer.of()).toString("latin1"),
    words: answer.status >= 400 ? wordsOf(answer) : "",
  };
}

/** Asks for a cell; answers what is wrong with the answer. */
async function complaintAbout(name: string, cell: Cell, speaks: boolean): Promise<string | undefined> {
  const { outcome, text, words, sent } = await askFor(name, cell, speaks);
  const shouldRefuse = isRefused(name, cell.expected);
  const isTaken = !isRefused(name, outcome);
  count.cells += 1;
  if (isTaken) count.taken += 1;
  if (shouldRefuse && isTaken) count.unexpected += 1;
  const read = secretsBefore(name, cell.caller).filter((secret) => !sent.includes(secret) && text.includes(secret));
  if (read.length > 0) return `reads ${read.join()}`;
  if (outcome !== cell.expected) return `${outcome} instead of ${cell.expected}`;
  if (!shouldRefuse) return undefined;
  if (name === "SOCKET /sync/:room" && text !== "") return "hears something";
  const before = refusals.get(outcome) ?? words;
  refusals.set(outcome, before);
  return words === before ? undefined : `says ${words}, and else ${before}`;
}

/** Asks for all of them, so many at once; answers what was wrong, by cell. */
async function complaints(
  name: string,
  cells: readonly Cell[],
  { atOnce = 12, speaks = true } = {},
): Promise<string[]> {
  const left = [...cells];
  const wrong: string[] = [];
  const workers = Array.from({ length: Math.min(atOnce, left.length) }, async () => {
    for (let cell = left.shift(); cell !== undefined; cell = left.shift()) {
      const complaint = await complaintAbout(name, cell, speaks);
      const { caller, tenant, variation, query } = cell;
      if (complaint !== undefined) wrong.push(`${caller.name}, in ${tenant}, ${variation.label}${query}: ${complaint}`);
    }
  });
  await Promise.all(workers);
  return wrong;
}

/** Runs whose prompt may be on its way are waited for 5 s each. */
const AT_ONCE: Readonly<Record<string, number>> = { "PUT /api/runs/:id": 1_000 };

test("C01: every operation has a row, and every row an operation", () => {
  expect(Object.keys(TABLE).toSorted()).toEqual(NAMES.toSorted());
  expect(Object.keys(RECIPES).toSorted()).toEqual(NAMES.toSorted());
});

describe("rows 1, 2, 4, 5, 7: refused as if it never was, and nothing is written", () => {
  test.each(NAMES.filter((name) => TABLE[name]?.who !== "anybody"))("%s", async (name) => {
    const before = storedRows(target.database);
    const cells = cellsOf(name).filter((cell) => isRefused(name, cell.expected));
    expect(cells.length).toBeGreaterThan(20);
    expect(await complaints(name, cells, { atOnce: AT_ONCE[name] ?? 12 })).toEqual([]);
    expect(changedTables(before, storedRows(target.database))).toEqual([]);
  });
});

describe("what somebody may, they can", () => {
  test.each(NAMES)("%s", async (name) => {
    const cells = cellsOf(name).filter((cell) => !isRefused(name, cell.expected));
    expect(cells.length).toBeGreaterThan(0);
    expect(await complaints(name, cells, { atOnce: 1, speaks: false })).toEqual([]);
  });
});

test("C01: what was the victim's is as it was, and no request got what the table refuses", async () => {
  await atRest(target);
  expect(changedTables(victimsRows, rowsOfAccount(target.database, cast.people.victim.me.accountId))).toEqual([]);
  process.stdout.write(
    `policy matrix: ${count.cells} cells, ${count.taken} allowed, ${count.unexpected} unexpected 2xx\n`,
  );
  expect(count.unexpected).toBe(0);
  expect(count.taken).toBeGreaterThan(500);
  expect(count.cells).toBeGreaterThan(4_000);
  await target.expectUnharmed();
});
