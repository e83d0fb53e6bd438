import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { BULK_TYPE, encodePull, encodePush } from "#shared/protocol/bulk-sync.ts";
import { PROBLEM_STATUS } from "#shared/protocol/problem.ts";
import type { ProblemCode } from "#shared/protocol/problem.ts";
import { createApp } from "#server/app.ts";
import { COMPONENTS } from "#server/http/components.ts";
import { openapiDocument } from "#server/http/openapi.ts";
import { ANYWHERE, OPERATIONS } from "#server/http/operations.ts";
import type { Operation } from "#server/http/operation.ts";
import { conversationRoutes } from "#server/http/conversations.ts";
import { modelRoutes } from "#server/http/models.ts";
import { snapshotFileRoutes } from "#server/http/snapshot-file.ts";
import { snapshotRoutes } from "#server/http/snapshots.ts";
import { runRoutes } from "#server/http/runs.ts";
import { WORKSPACE_HEADER } from "#shared/protocol/account-header.ts";
import type { Sessions } from "#shared/protocol/account-bodies.ts";
import type { Passkey, PasskeyCreation, PasskeyRequest } from "#shared/protocol/passkey-bodies.ts";
import { FREEZE_BODY_BYTES } from "#shared/protocol/snapshot-bodies.ts";
import type { CreatedToken } from "#shared/protocol/token-bodies.ts";
import type { CreatedInvite } from "#shared/protocol/workspace-bodies.ts";
import { PASSWORD, cookiesOf, createTeam, joinTeam, newEmail, postAuth, signUp } from "#tests/support/account.ts";
import type { Account } from "#tests/support/account.ts";
import { createAuthenticator } from "#tests/support/authenticator.ts";
import type { Wrong } from "#tests/support/authenticator.ts";
import { conversationRoom, newId, problemOf, send } from "#tests/support/attacked-server.ts";
import type { Answer, Sent } from "#tests/support/attacked-server.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
import { openOidcScene } from "#tests/support/oidc-scene.ts";
import type { OidcScene } from "#tests/support/oidc-scene.ts";
import { answer } from "#tests/support/provider-behaviour.ts";
import { openScriptedProvider } from "#tests/support/scripted-provider.ts";
import type { ScriptedProvider } from "#tests/support/scripted-provider.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import type { ServerProcess } from "#tests/support/server-process.ts";

type Document = {
  paths: Record<
    string,
    Record<string, { responses: Record<string, { content?: Record<string, { schema: object }> }> }>
  >;
  components: { schemas: Record<string, object> };
};
const nothing = {} as never;

test("every route of the app has an operation, and every operation a route", () => {
  const app = createApp({
    database: nothing,
    accounts: { limiter: nothing, auth: nothing } as never,
    resolver: nothing,
    publicUrl: undefined,
    rooms: nothing,
    conversations: conversationRoutes(nothing),
    snapshots: snapshotRoutes({ snapshots: nothing, erasure: nothing }).route("/", snapshotFileRoutes(nothing)),
    runs: runRoutes(nothing),
    models: modelRoutes({ providers: nothing }),
    signing: nothing,
    staticFiles: nothing,
    isDraining: () => false,
    log: nothing,
    metrics: nothing,
    metricsToken: undefined,
  });
  const routes = app.routes.filter(({ method }) => method !== "ALL").map(({ method, path }) => `${method} ${path}`);
  const documented = OPERATIONS.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  expect(routes.toSorted()).toEqual(documented.toSorted());
});

let provider: ScriptedProvider;
let server: ServerProcess;
let guest: Guest;
/** owns a team that the member belongs to */
let account: Account;
let member: Account;
let team: string;
let reading: string;
let running: string;
let document: Document;

beforeAll(async () => {
  provider = await openScriptedProvider({ otherwise: answer("word ".repeat(40), { pace: { everyMs: 50 } }) });
  server = await openServerProcess({ env: { OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: "test" } });
  guest = await signInGuest(server.url);
  account = await signUp(server.url);
  team = await createTeam(account);
  member = await signUp(server.url);
  await joinTeam(account, team, member, "member");
  // Good for nothing that any of the routes below asks for.
  reading = await aToken("chats:read");
  running = await aToken("runs");
  document = (await (await fetch(`${server.url}/api/openapi.json`)).json()) as Document;
});
afterAll(async () => {
  await server?.close();
  await provider?.close();
  await (await scene)?.close();
});

test("what is published is what the code says, for whoever asks, and may be kept a while", async () => {
  expect(document).toEqual(JSON.parse(JSON.stringify(openapiDocument())));
  const { headers } = await fetch(`${server.url}/api/openapi.json`);
  expect(headers.get("content-type")).toBe("application/json");
  expect(headers.get("cache-control")).toMatch(/^public, max-age=\d+$/);
});

async function aToken(scope: string): Promise<string> {
  const body = { id: newId(), name: scope, scopes: [scope], days: 1 };
  const created = (await (await account.send("POST", "/api/tokens", body)).json()) as CreatedToken;
  return created.token;
}

/** A JSON body of the request, or bytes as they are. */
function ask(
  operation: Operation,
  over: Partial<Sent> & { id?: string; query?: string; at?: ServerProcess } = {},
): Promise<Answer> {
  const { id = newId(), query = "", headers, at = server, ...rest } = over;
  return send(at.port, {
    method: operation.method.toUpperCase(),
    path: operation.path.replace(/:\w+/g, id) + query,
    headers: {
      cookie: isOfAccounts(operation) ? account.cookie : guest.cookie,
      origin: at.url,
      ...typeOf(operation),
      ...headers,
    },
    ...rest,
  });
}
/** What only an account can do is asked for by one. */
const isOfAccounts = ({ path }: Operation): boolean =>
  /^\/api\/(account|passkeys|tokens|workspaces|invites|sessions|audit)(\/|$)/.test(path);
const typeOf = ({ body }: Operation): Record<string, string> =>
  body ? { "content-type": body.bytes === undefined ? "application/json" : BULK_TYPE } : {};
const named = (path: string, method = "get"): Operation =>
  OPERATIONS.find((one) => one.path === path && one.method === method) as Operation;
const START = named("/api/runs/:id", "put");
const EVENTS = named("/api/runs/:id/events");

/** Start of a run on a prompt that a device wrote. */
async function aPrompt() {
  const conversationId = newId();
  const parentMessageId = newId();
  const device = openNodeDevice(server.url, guest.cookie, conversationRoom(conversationId));
  const token = device.edit((conversation) =>
    conversation.addPrompt({ id: parentMessageId as MessageId, parentId: undefined, text: "What?", createdAt: 1 }),
  );
  await device.until(() => device.settled() >= token);
  device.close();
  return { conversationId, parentMessageId, messageId: newId(), model: "openai/scripted-1", parameters: {} };
}
const start = (id: string, body: object): Promise<Answer> => ask(START, { id, body: JSON.stringify(body) });

/** A conversation of the guest; in the trash where `deleted`. */
async function aConversation(deleted: boolean): Promise<string> {
  const id = newId();
  const device = openNodeDevice(server.url, guest.cookie, conversationRoom(id));
  const token = device.edit((conversation) => conversation.setDeleted(deleted));
  await device.until(() => device.settled() >= token);
  device.close();
  return id;
}
const DUPLICATE = named("/api/snapshots/:id/duplicate", "post");
const ERASE = named("/api/conversations/:id", "delete");

const take = (body: object): Promise<Answer> => ask(named("/api/snapshots", "post"), { body: JSON.stringify(body) });

/** A snapshot of the guest's: what it was asked for with. */
async function aSnapshot(): Promise<{ id: string; conversationId: string }> {
  const body = { id: newId(), conversationId: (await aPrompt()).conversationId };
  await take(body);
  return body;
}

/** A run that goes on, and one that is over; made once, by whoever needs them first. */
let runs:
  | Promise<{ id: string; body: Awaited<ReturnType<typeof aPrompt>>; over: string; accepted: Answer }>
  | undefined;
const someRuns = () => (runs ??= makeRuns());
async function makeRuns() {
  const [body, id, over] = [await aPrompt(), newId(), newId()];
  const accepted = await start(id, body);
  await ask(named("/api/runs/:id/stop", "post"), { id: over });
  return { id, body, over, accepted };
}

/** Somebody who is about to add a passkey. */
async function aCreation() {
  const who = await signUp(server.url);
  const asked = await who.send("POST", "/api/passkeys/options", {});
  const options = (await asked.json()) as PasskeyCreation;
  return { who, options, cookie: `${who.cookie}; ${cookiesOf(asked)}`, keys: createAuthenticator(server.url) };
}
async function aPasskey() {
  const { who, keys, options, cookie } = await aCreation();
  const body = JSON.stringify({ name: "Key", credential: keys.create(options) });
  const added = await ask(named("/api/passkeys", "post"), { body, headers: { cookie } });
  return { who, keys, added, id: (JSON.parse(added.body) as Passkey).id };
}
async function signInByPasskey(wrong: Wrong = {}): Promise<Answer> {
  const { keys } = await aPasskey();
  const asked = await postAuth(server.url, "passkey/options", {});
  const credential = keys.get((await asked.json()) as PasskeyRequest, wrong);
  const headers = { cookie: cookiesOf(asked) };
  return ask(named("/api/auth/passkey/sign-in", "post"), { body: JSON.stringify({ credential }), headers });
}

/** A server that has a provider to sign in with; opened by whoever needs it first. */
let scene: Promise<OidcScene> | undefined;
const withProvider = () => (scene ??= openOidcScene());
async function comeBack(): Promise<Answer> {
  const { server: at, comingBack } = await withProvider();
  const { query, cookie } = await comingBack();
  return ask(named("/api/auth/callback/oidc"), { at, query, headers: { cookie } });
}
/** Somebody who has both a passkey and an account at the provider. */
async function bothWays(): Promise<{ at: ServerProcess; cookie: string }> {
  const { server: at } = await withProvider();
  const { headers } = await comeBack();
  const cookie = (headers["set-cookie"] ?? []).map((line) => line.split(";", 1)[0]).join("; ");
  const asked = await ask(named("/api/passkeys/options", "post"), { at, body: "{}", headers: { cookie } });
  const challenge = (asked.headers["set-cookie"] ?? []).map((line) => line.split(";", 1)[0]).join("; ");
  const credential = createAuthenticator(at.url).create(JSON.parse(asked.body) as PasskeyCreation);
  const body = JSON.stringify({ name: "Key", credential });
  await ask(named("/api/passkeys", "post"), { at, body, headers: { cookie: `${cookie}; ${challenge}` } });
  return { at, cookie };
}

/** How each documented code is brought about, on whichever operation names it. */
const PROVOKED: Partial<Record<ProblemCode, (operation: Operation) => Promise<Answer>>> = {
  malformed_json: (operation) => ask(operation, { body: "{" }),
  invalid_body: (operation) => ask(operation, { body: '{"isAdmin":true}' }),
  body_too_large: (operation) =>
    // Many megabytes are only announced: the server cuts whoever goes on sending after its answer.
    operation.body?.bytes !== undefined || operation.path === "/api/snapshots"
      ? ask(operation, { body: " ", headers: { "content-length": String(FREEZE_BODY_BYTES + 1) } })
      : ask(operation, { body: " ".repeat(300_000) }),
  unsupported_media_type: (operation) => ask(operation, { body: "{}", headers: { "content-type": "text/plain" } }),
  foreign_origin: (operation) => ask(operation, { headers: { origin: "https://evil.example" } }),
  unauthenticated: (operation) => ask(operation, { headers: { cookie: "" }, body: operation.body ? "{}" : "" }),
  invalid_query: (operation) => ask(operation, { query: "?isAdmin=1" }),
  not_found: (operation) =>
    operation.action === "anybody"
      ? ask(operation, { headers: { "x-forwarded-for": "192.0.2.1" }, body: operation.body ? "{}" : "" })
      : ask(operation, { headers: { [WORKSPACE_HEADER]: newId() } }),
  account_needed: (operation) => ask(operation, { headers: { cookie: guest.cookie } }),
  scope_missing: (operation) => {
    const isReading = ["self.read", "library.read", "document.read", "snapshot.read"].includes(operation.action);
    return ask(operation, { headers: { cookie: "", authorization: `Bearer ${isReading ? running : reading}` } });
  },
  email_taken: (operation) => ask(operation, { body: JSON.stringify({ email: account.me.email, password: PASSWORD }) }),
  password_weak: (operation) => {
    const token = "t".repeat(24);
    if (operation.path === "/api/account/password")
      return ask(operation, { body: JSON.stringify({ current: PASSWORD, next: "short" }) });
    const email = operation.path.endsWith("reset") ? { token } : { email: newEmail() };
    return ask(operation, { body: JSON.stringify({ ...email, password: "short" }) });
  },
  passkey_invalid: async (operation) => {
    const { keys, options, cookie } = await aCreation();
    const credential = keys.create(options, { origin: "https://evil.example" });
    return ask(operation, { body: JSON.stringify({ name: "Key", credential }), headers: { cookie } });
  },
  wrong_credentials: (operation) => {
    if (operation.path === "/api/auth/passkey/sign-in") return signInByPasskey({ flags: 0 });
    return operation.path === "/api/account/password"
      ? ask(operation, { body: JSON.stringify({ current: "not the password", next: "a new long password" }) })
      : ask(operation, { body: JSON.stringify({ email: newEmail(), password: PASSWORD }) });
  },
  headers_too_large: (operation) => ask(operation, { headers: { x: "y".repeat(70_000) } }),
  malformed_request: (operation) => ask(operation, { headers: { host: "evil/path@x" } }),
  run_id_reused: async () => {
    const { id, body } = await someRuns();
    return start(id, { ...body, parameters: { temperature: 1 } });
  },
  message_busy: async () => start(newId(), (await someRuns()).body),
  model_unknown: async () => start(newId(), { ...(await aPrompt()), model: "openai/no-such" }),
  parent_missing: async () => start(newId(), { ...(await aPrompt()), parentMessageId: newId() }),
  not_deleted: async (operation) =>
    operation === ERASE
      ? ask(ERASE, { id: await aConversation(false) })
      : ask(operation, { id: (await aSnapshot()).id, query: "?erase=true" }),
  snapshot_id_reused: async () => take({ ...(await aSnapshot()), conversationId: (await aPrompt()).conversationId }),
  nothing_to_freeze: async () => take({ id: newId(), conversationId: await aConversation(false) }),
  answer_unfinished: async () => {
    const body = await aPrompt();
    await start(newId(), body);
    return take({ id: newId(), conversationId: body.conversationId });
  },
  messages_missing: async () => {
    const { manifest } = JSON.parse((await take(await aSnapshot())).body) as { manifest: object };
    return take({ id: newId(), conversationId: newId(), manifest });
  },
  content_differs: async () => {
    const { manifest } = JSON.parse((await take(await aSnapshot())).body) as { manifest: object };
    return take({ id: newId(), conversationId: newId(), manifest, messages: [] });
  },
  cannot_freeze: async () => {
    const { conversationId } = await aPrompt();
    const device = openNodeDevice(server.url, guest.cookie, conversationRoom(conversationId));
    await device.until(() => device.conversation.branch().length > 0);
    const token = device.edit((conversation) => conversation.chooseModel("a name that is too long ".repeat(20)));
    await device.until(() => device.settled() >= token);
    device.close();
    return take({ id: newId(), conversationId });
  },
  conversation_id_reused: async (operation) => {
    const { id, conversationId } = await aSnapshot();
    return ask(operation, { id, body: JSON.stringify({ conversationId }) });
  },
  message_written: async () => {
    const { id, body } = await someRuns();
    await ask(named("/api/runs/:id/stop", "post"), { id });
    return start(newId(), body);
  },
};
/** Which test brings about what no request can at will. */
const ELSEWHERE: Partial<Record<ProblemCode, string>> = {
  rate_limited: "sync-server/http/limit-requests.test.ts",
  guests_off: "tests/contract/closed-server.test.ts",
  sign_up_off: "tests/contract/closed-server.test.ts",
  too_many: "tests/contract/workspaces.test.ts",
  sign_in_again: "tests/contract/passkeys.test.ts",
  last_credential: "tests/contract/passkeys.test.ts",
  oidc_unavailable: "tests/contract/oidc.test.ts",
  request_timeout: "sync-server/http/http-server.test.ts",
  internal: "tests/contract/http.test.ts",
  storage_failing: "tests/contract/http.test.ts",
  conversation_deleted: "tests/contract/run-deletion.test.ts",
  storage_unavailable: "tests/contract/http.test.ts",
  draining: "tests/contract/run-outages.test.ts",
  overloaded: "tests/contract/run-outages.test.ts",
  gone: "tests/contract/run-logs.test.ts",
  too_many_followers: "tests/contract/run-limits.test.ts",
};
/**
 * A session that signs in again keeps itself, and who has none may sign out: our own routes refuse neither. This
 * server has no token for its metrics.
 */
const NOT_HERE = new Set([
  "POST /api/auth/sign-in/anonymous unauthenticated",
  "POST /api/auth/sign-out unauthenticated",
  "GET /metrics unauthenticated",
]);

const nameOf = ({ method, path }: Operation): string => `${method.toUpperCase()} ${path}`;
const cases = OPERATIONS.flatMap((operation) =>
  [...operation.problems, ...ANYWHERE].map((code) => [nameOf(operation), code, operation] as const),
).filter(([name, code]) => ELSEWHERE[code] === undefined && !NOT_HERE.has(`${name} ${code}`));

/** The schema of an answer, with everything it refers to in place. */
function schemaOf(operation: Operation, { status, headers }: Answer): z.ZodType | undefined {
  const path = operation.path.replace(/:(\w+)/g, "{$1}");
  const type = String(headers["content-type"]).split(";")[0] ?? "";
  const schema = document.paths[path]?.[operation.method]?.responses[status]?.content?.[type]?.schema;
  return schema && z.fromJSONSchema(inlined(schema) as Parameters<typeof z.fromJSONSchema>[0]);
}
const inlined = (schema: unknown): unknown =>
  JSON.parse(
    JSON.stringify(schema, (_, value: unknown) => {
      const ref = typeof value === "object" && value !== null && "$ref" in value ? String(value.$ref) : undefined;
      return ref === undefined ? value : document.components.schemas[ref.split("/").at(-1) ?? ""];
    }),
  );

describe("every documented failure is brought about", () => {
  test.each(cases)("%s answers %s", async (_, code, operation) => {
    const provoke = PROVOKED[code];
    if (provoke === undefined) throw new Error(`nobody brings about ${code}`);
    const answered = await provoke(operation);
    expect(problemOf(answered)).toBe(code);
    expect(answered.status).toBe(PROBLEM_STATUS[code]);
    const schema = schemaOf(operation, answered);
    expect(schema?.safeParse(JSON.parse(answered.body)).error).toBeUndefined();
    expect(schema?.safeParse({ ...(JSON.parse(answered.body) as object), code: "sunspots" }).success).toBe(false);
  });
});

const anInvite = async (): Promise<CreatedInvite> =>
  (await (
    await account.send("POST", `/api/workspaces/${team}/invites`, { id: newId(), role: "guest" })
  ).json()) as CreatedInvite;

/** The token of the link that something has printed to the log. */
async function linkToken(page: string, cause: () => Promise<unknown>): Promise<string> {
  const printed = (): string | undefined =>
    [...server.output().matchAll(new RegExp(`/account/${page}#([\\w.-]+)`, "g"))].at(-1)?.[1];
  const before = printed();
  await cause();
  await expect.poll(printed).not.toBe(before);
  return printed() ?? "";
}

/** How each documented success is brought about. */
const GRANTED: Record<string, () => Promise<Answer>> = {
  "POST /share 303": () =>
    ask(named("/share", "post"), {
      body: "text=tides",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    }),
  "POST /api/sync/pull 200": () => ask(named("/api/sync/pull", "post"), { body: Buffer.from(encodePull([])) }),
  "POST /api/sync/push 200": () =>
    ask(named("/api/sync/push", "post"), {
      body: Buffer.from(encodePush([{ id: newId() as ConversationId, epoch: 0, update: new Uint8Array([0, 0]) }])),
    }),
  "POST /api/auth/sign-in 204": () =>
    ask(named("/api/auth/sign-in", "post"), {
      body: JSON.stringify({ email: member.me.email, password: PASSWORD }),
      headers: { cookie: "" },
    }),
  "POST /api/auth/passkey/options 200": () => ask(named("/api/auth/passkey/options", "post"), { body: "{}" }),
  "POST /api/auth/passkey/sign-in 204": () => signInByPasskey(),
  "POST /api/passkeys/options 200": () => ask(named("/api/passkeys/options", "post"), { body: "{}" }),
  "POST /api/passkeys 201": async () => (await aPasskey()).added,
  "PATCH /api/passkeys/:id 204": async () => {
    const { who, id } = await aPasskey();
    const body = JSON.stringify({ name: "Old key" });
    return ask(named("/api/passkeys/:id", "patch"), { id, body, headers: { cookie: who.cookie } });
  },
  "DELETE /api/passkeys/:id 204": async () => {
    const { who, id } = await aPasskey();
    return ask(named("/api/passkeys/:id", "delete"), { id, headers: { cookie: who.cookie } });
  },
  "POST /api/auth/oidc/start 200": async () =>
    ask(named("/api/auth/oidc/start", "post"), { at: (await withProvider()).server, body: "{}" }),
  "GET /api/auth/callback/oidc 302": async () => {
    const back = await comeBack();
    expect(back.headers.location).toBe("/");
    return back;
  },
  "POST /api/account/oidc 200": async () => {
    const { at, cookie } = await bothWays();
    return ask(named("/api/account/oidc", "post"), { at, body: "{}", headers: { cookie } });
  },
  "DELETE /api/account/oidc 204": async () => {
    const { at, cookie } = await bothWays();
    return ask(named("/api/account/oidc", "delete"), { at, headers: { cookie } });
  },
  "POST /api/auth/sign-up 204": () =>
    ask(named("/api/auth/sign-up", "post"), {
      body: JSON.stringify({ email: newEmail(), password: PASSWORD }),
      headers: { cookie: "" },
    }),
  "POST /api/auth/password/forgot 204": () =>
    ask(named("/api/auth/password/forgot", "post"), { body: JSON.stringify({ email: newEmail() }) }),
  "POST /api/auth/password/reset 204": async () => {
    const { me } = await signUp(server.url);
    const token = await linkToken("reset", () => postAuth(server.url, "password/forgot", { email: me.email }));
    const body = { token, password: "a long new password" };
    return ask(named("/api/auth/password/reset", "post"), { body: JSON.stringify(body) });
  },
  "POST /api/auth/email/verify 204": async () => {
    const token = await linkToken("verify", () => signUp(server.url));
    return ask(named("/api/auth/email/verify", "post"), { body: JSON.stringify({ token }) });
  },
  "POST /api/account/password 204": async () => {
    const { cookie } = await signUp(server.url);
    const body = JSON.stringify({ current: PASSWORD, next: "a long new password" });
    return ask(named("/api/account/password", "post"), { body, headers: { cookie } });
  },
  "DELETE /api/sessions 204": async () =>
    ask(named("/api/sessions", "delete"), { headers: { cookie: (await signUp(server.url)).cookie } }),
  "DELETE /api/sessions/:id 204": async () => {
    const { cookie, fetch: asThem } = await signUp(server.url);
    const { sessions } = (await (await asThem("/api/sessions")).json()) as Sessions;
    return ask(named("/api/sessions/:id", "delete"), { id: sessions[0]?.id ?? "", headers: { cookie } });
  },
  "POST /api/tokens 201": () =>
    ask(named("/api/tokens", "post"), {
      body: JSON.stringify({ id: newId(), name: "ci", scopes: ["runs"], days: 1 }),
    }),
  "DELETE /api/tokens/:id 204": async () => {
    const id = newId();
    await account.send("POST", "/api/tokens", { id, name: "ci", scopes: ["runs"], days: 1 });
    return ask(named("/api/tokens/:id", "delete"), { id });
  },
  "POST /api/workspaces 201": () =>
    ask(named("/api/workspaces", "post"), { body: JSON.stringify({ id: newId(), name: "Reef" }) }),
  "PATCH /api/workspaces/:id 204": () =>
    ask(named("/api/workspaces/:id", "patch"), { id: team, body: JSON.stringify({ name: "Kelp forest" }) }),
  "POST /api/workspaces/:id/leave 204": async () => {
    const leaver = await signUp(server.url);
    await joinTeam(account, team, leaver, "guest");
    return ask(named("/api/workspaces/:id/leave", "post"), { id: team, headers: { cookie: leaver.cookie } });
  },
  "POST /api/workspaces/:id/transfer 204": async () => {
    const id = await createTeam(account, "Handed over");
    await joinTeam(account, id, member, "member");
    const body = JSON.stringify({ accountId: member.me.accountId });
    return ask(named("/api/workspaces/:id/transfer", "post"), { id, body });
  },
  "GET /api/workspaces/:id/members 200": () => ask(named("/api/workspaces/:id/members"), { id: team }),
  "PATCH /api/workspaces/:id/members/:accountId 204": () =>
    account
      .send("PATCH", `/api/workspaces/${team}/members/${member.me.accountId}`, { role: "member" })
      .then(async (response) => ({ status: response.status, headers: {}, body: await response.text() })),
  "DELETE /api/workspaces/:id/members/:accountId 204": async () => {
    const leaver = await signUp(server.url);
    await joinTeam(account, team, leaver, "guest");
    const response = await account.send("DELETE", `/api/workspaces/${team}/members/${leaver.me.accountId}`);
    return { status: response.status, headers: {}, body: await response.text() };
  },
  "GET /api/workspaces/:id/invites 200": () => ask(named("/api/workspaces/:id/invites"), { id: team }),
  "POST /api/workspaces/:id/invites 201": () =>
    ask(named("/api/workspaces/:id/invites", "post"), {
      id: team,
      body: JSON.stringify({ id: newId(), role: "guest" }),
    }),
  "DELETE /api/workspaces/:id/invites/:inviteId 204": async () => {
    const { id } = await anInvite();
    const response = await account.send("DELETE", `/api/workspaces/${team}/invites/${id}`);
    return { status: response.status, headers: {}, body: await response.text() };
  },
  "POST /api/invites/look 200": async () =>
    ask(named("/api/invites/look", "post"), { body: JSON.stringify({ token: (await anInvite()).token }) }),
  "POST /api/invites/accept 200": async () =>
    ask(named("/api/invites/accept", "post"), { body: JSON.stringify({ token: (await anInvite()).token }) }),
  "GET /api/workspaces/:id/audit 200": () => ask(named("/api/workspaces/:id/audit"), { id: team }),
  "POST /api/auth/sign-in/anonymous 204": () => ask(named("/api/auth/sign-in/anonymous", "post"), { body: "{}" }),
  "POST /api/auth/sign-out 204": () =>
    ask(named("/api/auth/sign-out", "post"), { body: "{}", headers: { cookie: "" } }),
  "POST /api/snapshots 201": async () =>
    take({ id: newId(), conversationId: (await aPrompt()).conversationId, tags: ["tides"] }),
  "POST /api/snapshots 200": async () => take(await aSnapshot()),
  "POST /api/snapshots/messages 200": async () => {
    const { conversationId } = await aSnapshot();
    const body = JSON.stringify({ wanted: [{ conversationId, after: 0 }] });
    return ask(named("/api/snapshots/messages", "post"), { body });
  },
  "GET /api/snapshots/:id 200": async () => ask(named("/api/snapshots/:id"), { id: (await aSnapshot()).id }),
  "GET /api/snapshots/:id/file 200": async () => ask(named("/api/snapshots/:id/file"), { id: (await aSnapshot()).id }),
  "PATCH /api/snapshots/:id 200": async () =>
    ask(named("/api/snapshots/:id", "patch"), { id: (await aSnapshot()).id, body: '{"title":"Tides"}' }),
  "DELETE /api/snapshots/:id 204": async () =>
    ask(named("/api/snapshots/:id", "delete"), { id: (await aSnapshot()).id }),
  "POST /api/snapshots/:id/duplicate 201": async () =>
    ask(DUPLICATE, { id: (await aSnapshot()).id, body: JSON.stringify({ conversationId: newId() }) }),
  "POST /api/snapshots/:id/duplicate 200": async () => {
    const again = { id: (await aSnapshot()).id, body: JSON.stringify({ conversationId: newId() }) };
    await ask(DUPLICATE, again);
    return ask(DUPLICATE, again);
  },
  "PUT /api/runs/:id 201": async () => (await someRuns()).accepted,
  "PUT /api/runs/:id 200": async () => {
    const { id, body } = await someRuns();
    return start(id, body);
  },
  "GET /api/runs/:id 200": async () => ask(named("/api/runs/:id"), { id: (await someRuns()).id }),
  "GET /api/runs/:id/events 200": async () => ask(EVENTS, { id: (await someRuns()).id, query: "?wait=1" }),
  "GET /api/runs/:id/events 204": async () =>
    ask(EVENTS, { id: (await someRuns()).over, headers: { "last-event-id": "1" } }),
  "DELETE /api/conversations/:id 204": async () => ask(ERASE, { id: await aConversation(true) }),
  "POST /api/runs/:id/stop 200": async () => ask(named("/api/runs/:id/stop", "post"), { id: (await someRuns()).over }),
};
const successes = OPERATIONS.flatMap((operation) =>
  Object.keys(operation.answers).map(
    (status) => [`${nameOf(operation)} ${status}`, Number(status), operation] as const,
  ),
);

describe("every documented answer is given, and is what its schema says", () => {
  test.each(successes)("%s", async (name, status, operation) => {
    const granted = await (GRANTED[name] ?? (() => ask(operation)))();
    expect(granted.status, granted.body).toBe(status);
    const { json } = operation.answers[status] ?? {};
    if (json === undefined) return;
    const schema = schemaOf(operation, granted);
    expect(schema?.safeParse(JSON.parse(granted.body)).error).toBeUndefined();
    expect(schema?.safeParse({}).success).toBe(false);
  });
});

test("a run's stream is of the documented type", async () => {
  const { id } = await someRuns();
  const response = await guest.fetch(`/api/runs/${id}/events`, { headers: { accept: "text/event-stream" } });
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const { content } = document.paths["/api/runs/{id}/events"]?.["get"]?.responses[200] ?? {};
  expect(Object.keys(content ?? {})).toContain("text/event-stream");
  await response.body?.cancel();
});

describe("every operation of snapshots has examples, and they are what their schemas say", () => {
  const operations = OPERATIONS.filter(({ path }) => path.startsWith("/api/snapshots"));
  test.each(operations.map((operation) => [nameOf(operation), operation] as const))("%s", (_, operation) => {
    const { body, answers, examples = {} } = operation;
    const json = Object.values(answers).find((one) => one?.json)?.json;
    for (const [component, example] of [
      [body?.schema, examples.body],
      [json, examples.answer],
    ] as const) {
      expect(example === undefined).toBe(component === undefined);
      if (component) expect(z.safeParse(COMPONENTS[component], example).error).toBeUndefined();
    }
  });
});
