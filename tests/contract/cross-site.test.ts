import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Operation } from "#server/http/operation.ts";
import { OPERATIONS } from "#server/http/operations.ts";
import { MULTIPLEX_SUBPROTOCOL } from "#shared/protocol/multiplex.ts";
import { conversationRoom, newId, openAttackedServer, problemOf, send } from "#tests/support/attacked-server.ts";
import type { Answer, AttackedServer } from "#tests/support/attacked-server.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { knock } from "#tests/support/knock.ts";
import type { Caller, CallerName } from "#tests/support/policy-cast.ts";
import { variationsOf } from "#tests/support/policy-ids.ts";
import { RECIPES, addressOf, ask, askSocket, outcomeOf, setOf } from "#tests/support/policy-requests.ts";
import type { Ids } from "#tests/support/policy-requests.ts";
import { openPolicyServer } from "#tests/support/policy-server.ts";
import type { PolicyServer } from "#tests/support/policy-server.ts";
import { changedTables, storedRows } from "#tests/support/stored-rows.ts";
import { inWorkspace } from "#tests/support/written-chat.ts";

let server: PolicyServer;
let target: PolicyServer["target"];
let cast: PolicyServer["cast"];

beforeAll(async () => {
  server = await openPolicyServer();
  ({ target, cast } = server);
}, 120_000);
afterAll(async () => {
  await server?.close();
});

const nameOf = ({ method, path }: Operation): string => `${method.toUpperCase()} ${path}`;
const named = (operations: readonly Operation[]) => operations.map((one) => [nameOf(one), one] as const);
const isShare = ({ path }: Operation): boolean => path === "/share";
const CHANGING = named(OPERATIONS.filter((one) => one.method !== "get" && !isShare(one)));
const WITH_BODY = CHANGING.filter(([, { body }]) => body);
const READING = named(OPERATIONS.filter(({ method }) => method === "get"));

const caller = (name: CallerName): Caller => server.caller(name);
/** Ids of a request that whoever asks could make. */
function idsOf(operation: Operation, who: Caller): Ids {
  const [valid] = variationsOf(cast, RECIPES[nameOf(operation)]?.ids ?? {}, who, undefined);
  return valid?.ids ?? {};
}

/** Asks as the owner of everything, whose browser sends the cookie along. */
const asOwner = (operation: Operation, headers: Record<string, string | undefined>, body?: string): Promise<Answer> =>
  ask(cast, operation, RECIPES[nameOf(operation)] ?? {}, {
    headers: { ...caller("owner").headers, ...headers },
    ids: idsOf(operation, caller("owner")),
    ...(body !== undefined && { body }),
  });

/** How a page of somebody else is told from the app, by what a browser says. */
const FOREIGN: readonly (readonly [string, (port: number) => Record<string, string | undefined>])[] = [
  ["another site", () => ({ origin: "https://evil.example" })],
  ["a sandboxed page", () => ({ origin: "null" })],
  ["a file", () => ({ origin: "file://" })],
  ["a sub-domain", (port) => ({ origin: `http://app.localhost:${port}` })],
  ["another port", (port) => ({ origin: `http://localhost:${port + 1}` })],
  ["no port", () => ({ origin: "http://localhost" })],
  ["a name that begins like ours", (port) => ({ origin: `http://localhost:${port}.evil.example` })],
  ["a name that ends like ours", (port) => ({ origin: `http://evil-localhost:${port}` })],
  ["our name as a user", (port) => ({ origin: `http://localhost:${port}@evil.example` })],
  ["two origins", (port) => ({ origin: `http://localhost:${port} https://evil.example` })],
  ["an empty origin", () => ({ origin: "" })],
  ["a browser that hides the origin", () => ({ origin: undefined, "sec-fetch-site": "cross-site" })],
  ["another app of the same site", () => ({ origin: undefined, "sec-fetch-site": "same-site" })],
];
const FORM_TYPES = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"];

describe("row 27, C15: what could change something is refused from anywhere else, and nothing is written", () => {
  test.each(CHANGING)("%s", async (_, operation) => {
    const before = storedRows(target.database);
    for (const [from, headersAt] of FOREIGN) {
      const headers = headersAt(target.port);
      for (const type of [undefined, ...FORM_TYPES]) {
        const answer = await asOwner(operation, { ...headers, ...(type !== undefined && { "content-type": type }) });
        expect(problemOf(answer), `${from}, ${type}`).toBe("foreign_origin");
        expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
        expect(answer.headers["set-cookie"]).toBeUndefined();
      }
    }
    expect(changedTables(before, storedRows(target.database))).toEqual([]);
  });

  test.each(WITH_BODY)("%s takes no form from our own pages either", async (_, operation) => {
    const before = storedRows(target.database);
    for (const type of FORM_TYPES) {
      const answer = await asOwner(operation, { "content-type": type });
      expect(problemOf(answer), type).toBe("unsupported_media_type");
    }
    expect(changedTables(before, storedRows(target.database))).toEqual([]);
  });

  test("POST /share, which the system sends from anywhere, stores nothing", async () => {
    const before = storedRows(target.database);
    for (const [from, headersAt] of FOREIGN) {
      const type = { "content-type": "application/x-www-form-urlencoded" };
      const headers = { ...caller("owner").headers, ...headersAt(target.port), ...type };
      const answer = await send(target.port, {
        method: "POST",
        path: "/share",
        headers: setOf(headers),
        body: "text=x",
      });
      expect(answer.status, from).toBe(303);
      expect(answer.headers.location).toMatch(/^\/#/);
    }
    expect(changedTables(before, storedRows(target.database))).toEqual([]);
  });

  const PREFLIGHTED = ["authorization", "content-type", "x-holdfast-workspace"];
  test.each(CHANGING)("%s: a preflight gets no leave", async (_, operation) => {
    const answer = await send(target.port, {
      method: "OPTIONS",
      path: addressOf(operation, idsOf(operation, caller("owner"))),
      headers: {
        origin: "https://evil.example",
        "access-control-request-method": operation.method.toUpperCase(),
        "access-control-request-headers": PREFLIGHTED.join(),
      },
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  });
});

describe("row 27, C17: sockets are opened from our own pages only", () => {
  const DOORS = [
    ["/sync/:room", (room: string) => `/sync/${room}`, undefined],
    ["/sync", () => "/sync", MULTIPLEX_SUBPROTOCOL],
  ] as const;
  test.each(DOORS)("%s", async (_, pathOf, protocol) => {
    const before = storedRows(target.database);
    const path = pathOf(conversationRoom(cast.people.owner.home.conversationId));
    const opening = (headers: Record<string, string | undefined>) =>
      knock(target.url, {
        path,
        headers: { ...caller("owner").headers, ...headers },
        ...(protocol && { protocols: [protocol] }),
        until: () => true,
      });
    for (const [from, headersAt] of FOREIGN) {
      const { refused, heard } = await opening(headersAt(target.port));
      expect([from, refused, heard.length]).toEqual([from, 403, 0]);
    }
    expect(changedTables(before, storedRows(target.database))).toEqual([]);
  });
});

describe("row 27: where the server does not know its own address, the name that it was called by counts", () => {
  let plain: AttackedServer;
  let guest: Guest;
  beforeAll(async () => {
    plain = await openAttackedServer();
    guest = await signInGuest(plain.url);
    await guest.fetch("/api/me");
  });
  afterAll(async () => {
    await plain?.close();
  });

  test("requests and sockets from anywhere else are refused", async () => {
    const before = storedRows(plain.database);
    const headers = { cookie: guest.cookie, "content-type": "application/json" };
    for (const [from, headersAt] of FOREIGN) {
      const foreign = headersAt(plain.port);
      const path = `/api/runs/${newId()}/stop`;
      const answer = await send(plain.port, { method: "POST", path, headers: setOf({ ...headers, ...foreign }) });
      expect(problemOf(answer), from).toBe("foreign_origin");
      const room = `/sync/${conversationRoom(newId())}`;
      const asked = { path: room, headers: { cookie: guest.cookie, ...foreign }, until: () => true };
      expect([from, await knock(plain.url, asked)]).toEqual([from, { refused: 403, heard: [] }]);
    }
    expect(changedTables(before, storedRows(plain.database))).toEqual([]);
    const own = { path: `/sync/${conversationRoom(newId())}`, headers: { cookie: guest.cookie }, until: () => true };
    expect((await knock(plain.url, own)).heard).not.toEqual([]);
  });
});

describe("C15: reading changes nothing", () => {
  test.each(READING)("%s", async (name, operation) => {
    for (const query of RECIPES[name]?.queries ?? [""]) {
      for (const who of cast.callers) {
        const before = storedRows(target.database);
        const reading = { headers: who.headers, ids: idsOf(operation, who), query };
        const answer = await ask(cast, operation, {}, reading);
        const bare = await ask(cast, { ...operation, method: "head" as "get" }, {}, reading);
        expect([bare.status, bare.body], who.name).toEqual([answer.status, ""]);
        expect(changedTables(before, storedRows(target.database)), who.name).toEqual([]);
      }
    }
  });

  test.each(CHANGING)("%s cannot be asked for by a GET that says so", async (_, operation) => {
    const before = storedRows(target.database);
    const path = addressOf(operation, idsOf(operation, caller("owner")));
    const method = operation.method.toUpperCase();
    for (const query of ["", `?_method=${method}`]) {
      const headers = { ...caller("owner").headers, origin: target.url, "x-http-method-override": method };
      const answer = await send(target.port, { path: path + query, headers });
      expect([200, 400, 404, 405]).toContain(answer.status);
    }
    expect(changedTables(before, storedRows(target.database))).toEqual([]);
  });
});

/** Other ways to write a path, which something on the way may take for the same one. */
const SPELLINGS: readonly (readonly [string, (path: string) => string])[] = [
  ["an escaped letter", (path) => path.replace(/\/(\w)(?=[^/]*$)/, (_, letter: string) => `/%${hex(letter)}`)],
  ["an escaped prefix", (path) => path.replace("/a", "/%61")],
  ["an escaped slash", (path) => path.replace(/^(\/[^/]+)\//, "$1%2f")],
  ["an escaped last slash", (path) => path.replace(/\/([^/]*)$/, "%2F$1")],
  ["a double slash first", (path) => `/${path}`],
  ["a double slash inside", (path) => path.replace(/^(\/[^/]+)\//, "$1//")],
  ["a double slash last", (path) => path.replace(/\/([^/]*)$/, "//$1")],
  ["a slash behind", (path) => `${path}/`],
  ["a dot behind", (path) => `${path}.`],
  ["an escaped dot behind", (path) => `${path}%2e`],
  ["a parameter behind", (path) => `${path};x=1`],
  ["a parameter inside", (path) => path.replace(/^(\/[^/]+)\//, "$1;x=1/")],
  ["capitals", (path) => path.toUpperCase()],
  ["a capital prefix", (path) => path.replace(/^\/(\w)/, (_, letter: string) => `/${letter.toUpperCase()}`)],
  ["a step inside", (path) => path.replace(/^(\/[^/]+)\//, "$1/./")],
  ["steps out and in", (path) => `/x/..${path}`],
  ["escaped steps", (path) => `/x/%2e%2e${path}`],
  ["backslashes", (path) => path.replace(/^(\/[^/]+)\//, "$1\\")],
  ["a space behind", (path) => `${path}%20`],
  ["a zero behind", (path) => `${path}%00`],
  ["a file behind", (path) => `${path}/x.css`],
];
const hex = (letter: string): string => letter.charCodeAt(0).toString(16);

/** How a path is refused that is none. */
const NO_SUCH_PATH = ["404 not_found", "405 method_not_allowed", "400 malformed_request"];
/** What an answer comes to; of one that is no refusal, every word. */
const wordsOf = (operation: Operation, answer: Answer): string =>
  answer.status < 400 ? `${answer.status} ${answer.body}` : outcomeOf(operation, answer);

const GUARDED = named(OPERATIONS.filter(({ action }) => action !== "anybody"));

/** Whoever may do nothing, and for what only reads, whoever may do everything. */
const asking = ({ method }: Operation): [CallerName, workspace?: string][] => [
  ["nobody"],
  ["revoked token"],
  ["outsider", cast.victimsTeam],
  ...(method === "get" ? [["owner"] satisfies [CallerName]] : []),
];

describe("row 24: a path that is written otherwise is judged as the one it means, or is none", () => {
  test.each(GUARDED)("%s", async (name, operation) => {
    const recipe = RECIPES[name] ?? {};
    const before = storedRows(target.database);
    for (const [who, workspace] of asking(operation)) {
      const ids = idsOf(operation, caller("owner"));
      const path = addressOf(operation, ids);
      const headers = { ...caller(who).headers, ...inWorkspace(workspace) };
      const at = (spelt: string) =>
        ask(cast, { ...operation, path: spelt }, recipe, { headers, ids, query: recipe.queries?.[0] ?? "" });
      const canonical = wordsOf(operation, await at(path));
      for (const [spelling, write] of SPELLINGS) {
        const answer = wordsOf(operation, await at(write(path)));
        expect([canonical, ...NO_SUCH_PATH], `${who}, ${spelling}: ${write(path)}`).toContain(answer);
      }
    }
    expect(changedTables(before, storedRows(target.database))).toEqual([]);
  });

  test("sockets", async () => {
    const { owner, outsider } = cast.people;
    for (const [who, chat] of [
      ["nobody", owner],
      ["outsider", owner],
      ["outsider", outsider],
    ] as const) {
      const path = `/sync/${conversationRoom(chat.home.conversationId)}`;
      for (const [spelling, write] of [...SPELLINGS, ["as it is", (same: string) => same] as const]) {
        if (who === "outsider" && chat === outsider && spelling === "as it is") continue;
        const { refused, closed, heard } = await knock(target.url, {
          path: write(path),
          headers: caller(who).headers,
          until: () => true,
        });
        // Steps are walked before anything is sent; what is left of them is the path itself.
        const isPath = new URL(write(path), "http://localhost").pathname === path;
        const allowed = isPath ? [401, 4404, "heard"] : [400, 404];
        if (chat !== outsider) expect(heard, spelling).toEqual([]);
        expect(allowed, `${who}, ${spelling}`).toContain(refused ?? closed ?? "heard");
      }
    }
    const open = await askSocket(
      target,
      { headers: caller("outsider").headers, ids: { first: outsider.home.conversationId } },
      false,
    );
    expect(open.outcome).toBe("open");
  });
});
