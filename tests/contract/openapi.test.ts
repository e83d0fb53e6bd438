import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { BULK_TYPE, encodePull, encodePush } from "#shared/protocol/bulk-sync.ts";
import { PROBLEM_STATUS } from "#shared/protocol/problem.ts";
import type { ProblemCode } from "#shared/protocol/problem.ts";
import { createApp } from "#server/app.ts";
import { openapiDocument } from "#server/http/openapi.ts";
import { ANYWHERE, OPERATIONS } from "#server/http/openapi-operations.ts";
import type { Operation } from "#server/http/openapi-operations.ts";
import { conversationRoutes } from "#server/http/conversations.ts";
import { modelRoutes } from "#server/http/models.ts";
import { runRoutes } from "#server/http/runs.ts";
import { conversationRoom, newId, problemOf, send } from "#tests/support/attacked-server.ts";
import type { Answer, Sent } from "#tests/support/attacked-server.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
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
    auth: nothing,
    resolver: nothing,
    publicUrl: undefined,
    rooms: nothing,
    conversations: conversationRoutes(nothing),
    runs: runRoutes(nothing),
    models: modelRoutes({ providers: nothing }),
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
let document: Document;

beforeAll(async () => {
  provider = await openScriptedProvider({ otherwise: answer("word ".repeat(40), { pace: { everyMs: 50 } }) });
  server = await openServerProcess({ env: { OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: "test" } });
  guest = await signInGuest(server.url);
  document = (await (await fetch(`${server.url}/api/openapi.json`)).json()) as Document;
});
afterAll(async () => {
  await server?.close();
  await provider?.close();
});

test("what is published is what the code says, for whoever asks, and may be kept a while", async () => {
  expect(document).toEqual(JSON.parse(JSON.stringify(openapiDocument())));
  const { headers } = await fetch(`${server.url}/api/openapi.json`);
  expect(headers.get("content-type")).toBe("application/json");
  expect(headers.get("cache-control")).toMatch(/^public, max-age=\d+$/);
});

/** A JSON body of the request, or bytes as they are. */
function ask(operation: Operation, over: Partial<Sent> & { id?: string; query?: string } = {}): Promise<Answer> {
  const { id = newId(), query = "", headers, ...rest } = over;
  return send(server.port, {
    method: operation.method.toUpperCase(),
    path: operation.path.replace(":id", id) + query,
    headers: { cookie: guest.cookie, origin: server.url, ...typeOf(operation), ...headers },
    ...rest,
  });
}
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
const ERASE = named("/api/conversations/:id", "delete");

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

/** How each documented code is brought about, on whichever operation names it. */
const PROVOKED: Partial<Record<ProblemCode, (operation: Operation) => Promise<Answer>>> = {
  malformed_json: (operation) => ask(operation, { body: "{" }),
  invalid_body: (operation) => ask(operation, { body: '{"isAdmin":true}' }),
  body_too_large: (operation) =>
    operation.body?.bytes === undefined
      ? ask(operation, { body: " ".repeat(300_000) })
      : ask(operation, { body: " ", headers: { "content-length": "6000000" } }),
  unsupported_media_type: (operation) => ask(operation, { body: "{}", headers: { "content-type": "text/plain" } }),
  foreign_origin: (operation) => ask(operation, { headers: { origin: "https://evil.example" } }),
  unauthenticated: (operation) => ask(operation, { headers: { cookie: "" }, body: operation.body ? "{}" : "" }),
  invalid_query: (operation) => ask(operation, { query: "?isAdmin=1" }),
  not_found: (operation) =>
    ask(operation, { id: "not-a-run", body: operation.body ? "{}" : "", headers: { "x-forwarded-for": "192.0.2.1" } }),
  headers_too_large: (operation) => ask(operation, { headers: { x: "y".repeat(70_000) } }),
  malformed_request: (operation) => ask(operation, { headers: { host: "evil/path@x" } }),
  run_id_reused: async () => {
    const { id, body } = await someRuns();
    return start(id, { ...body, parameters: { temperature: 1 } });
  },
  message_busy: async () => start(newId(), (await someRuns()).body),
  model_unknown: async () => start(newId(), { ...(await aPrompt()), model: "openai/no-such" }),
  parent_missing: async () => start(newId(), { ...(await aPrompt()), parentMessageId: newId() }),
  not_deleted: async () => ask(ERASE, { id: await aConversation(false) }),
  message_written: async () => {
    const { id, body } = await someRuns();
    await ask(named("/api/runs/:id/stop", "post"), { id });
    return start(newId(), body);
  },
};
/** Which test brings about what no request can at will. */
const ELSEWHERE: Partial<Record<ProblemCode, string>> = {
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
  const path = operation.path.replace(":id", "{id}");
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
  "POST /api/auth/sign-in/anonymous 204": () => ask(named("/api/auth/sign-in/anonymous", "post"), { body: "{}" }),
  "POST /api/auth/sign-out 204": () =>
    ask(named("/api/auth/sign-out", "post"), { body: "{}", headers: { cookie: "" } }),
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
