import * as z from "zod/mini";
import { Hono } from "hono";
import { BULK_TYPE } from "#shared/protocol/bulk-sync.ts";
import { uuidV7 } from "#shared/protocol/http-bodies.ts";
import { PROBLEM_STATUS, problemSchema } from "#shared/protocol/problem.ts";
import type { ProblemCode } from "#shared/protocol/problem.ts";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import { MAX_CHANNELS, MULTIPLEX_SUBPROTOCOL } from "#shared/protocol/multiplex.ts";
import { SYNC_SUBPROTOCOL } from "#shared/protocol/sync-frames.ts";
import type { AppEnv } from "./app-env.ts";
import { COMPONENTS } from "./components.ts";
import type { Answer, Operation } from "./operation.ts";
import { ANYWHERE, OPERATIONS } from "./operations.ts";

type Json = Record<string, unknown>;

/** How long a client may keep the document, in seconds; it changes with the version of the server only. */
const MAX_AGE_S = 300;

/** `GET /api/openapi.json`: the routes and their schemas, written once at the first request. */
export function openapiRoutes(): Hono<AppEnv> {
  let text: string | undefined;
  return new Hono<AppEnv>().get("/", (c) => {
    text ??= JSON.stringify(openapiDocument());
    return c.body(text, 200, { "content-type": "application/json", "cache-control": `public, max-age=${MAX_AGE_S}` });
  });
}

/** The document (OpenAPI 3.1.0), made of the schemas by which the server reads and the app parses. */
export function openapiDocument(): Json {
  const paths: Record<string, Json> = {
    "/sync/{room}": { get: upgrade(ROOM) },
    "/sync": { get: upgrade(ROOMS) },
  };
  for (const operation of OPERATIONS) {
    const path = operation.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [operation.method]: describe(operation) };
  }
  const schemas = Object.entries({ ...COMPONENTS, Problem: problemSchema });
  return {
    openapi: "3.1.0",
    info: {
      title: "Holdfast",
      version: "1",
      description:
        "Requests are strict: an unknown key is an error. Answers may gain keys. Every failure is a problem " +
        "(RFC 9457) with a stable `code`.",
    },
    paths,
    components: {
      schemas: Object.fromEntries(schemas.map(([name, schema]) => [name, schemaOf(schema)])),
      securitySchemes: {
        session: { type: "apiKey", in: "cookie", name: "holdfast.session_token" },
        token: { type: "http", scheme: "bearer", description: "A personal access token" },
      },
    },
  };
}

/** Of what is sent: an answer may hold more than is written here, a request may not. */
function schemaOf(schema: z.core.$ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input" });
  return rest;
}

function describe(operation: Operation): Json {
  const { summary, action, body, answers, problems, examples = {} } = operation;
  const parameters = parametersOf(operation);
  return {
    summary,
    ...(action !== "anybody" && { security: [{ session: [] }, { token: [] }] }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: body.optional !== true,
        content: body.bytes === undefined ? jsonOf(body.schema, examples.body) : bytesIn(body.bytes),
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [status, answered(answer, examples.answer)]),
      ),
      ...problemsByStatus([...new Set([...problems, ...ANYWHERE])]),
    },
  };
}

const jsonOf = (schema: string | undefined, example: unknown): Json => ({
  "application/json": {
    schema: schema === undefined ? EMPTY : refTo(schema),
    ...(example !== undefined && { example }),
  },
});
const bytesIn = (form: string): Json => ({
  [BULK_TYPE]: { schema: { type: "string", format: "binary", description: form } },
});
const EMPTY = { type: "object", additionalProperties: false };
const refTo = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

const namesIn = (path: string): string[] => Array.from(path.matchAll(/:(\w+)/g), ([, name = ""]) => name);

/** Ids of devices are UUIDv7; those of accounts, sessions and passkeys are of another form. */
const schemaOfId = (path: string, name: string): Json =>
  name === "accountId" || /^\/api\/(sessions|passkeys)\//.test(path) ? { type: "string" } : schemaOf(uuidV7);

function parametersOf({ path, query, resumes }: Operation): Json[] {
  const { properties = {}, required = [] } = query ? z.toJSONSchema(query, { io: "input" }) : {};
  return [
    ...namesIn(path).map((name) => ({ name, in: "path", required: true, schema: schemaOfId(path, name) })),
    ...Object.entries(properties).map(([name, schema]) => ({
      name,
      in: "query",
      required: required.includes(name),
      schema,
    })),
    ...(resumes ? [{ name: "Last-Event-ID", in: "header", required: false, schema: { type: "string" } }] : []),
  ];
}

function answered(answer: Answer | undefined, example: unknown): Json {
  const content = {
    ...(answer?.json && jsonOf(answer.json, example)),
    ...(answer?.bytes !== undefined && bytesIn(answer.bytes)),
    ...(answer?.stream && { "text/event-stream": { schema: { type: "string" } } }),
  };
  return { description: answer?.description, ...(Object.keys(content).length > 0 && { content }) };
}

/** One response for each status, which lists the codes that come with it. */
function problemsByStatus(codes: readonly ProblemCode[]): Record<string, Json> {
  const statuses = new Map<number, ProblemCode[]>();
  for (const code of codes) {
    const same = statuses.get(PROBLEM_STATUS[code]) ?? [];
    statuses.set(PROBLEM_STATUS[code], [...same, code]);
  }
  return Object.fromEntries([...statuses].map(([status, same]) => [status, refused(same)]));
}

function refused(codes: readonly ProblemCode[]): Json {
  const schema = { allOf: [refTo("Problem"), { type: "object", properties: { code: { enum: codes } } }] };
  return { description: codes.join(", "), content: { "application/problem+json": { schema } } };
}

/** What an upgrade leads to, as far as OpenAPI has words for it. */
interface Upgrade {
  summary: string;
  speaks: string;
  parameters?: Json[];
  notFound: string;
}

const ROOM: Upgrade = {
  summary: "Keep a document equal on all devices (WebSocket)",
  speaks: `Speaks the y-websocket protocol, and more under the subprotocol \`${SYNC_SUBPROTOCOL}\`.`,
  parameters: [
    {
      name: "room",
      in: "path",
      required: true,
      description:
        "`conversation.<UUIDv7>.<epoch>`, or `snapshot.…`, which the server alone writes; the epoch of a new one is 0",
      schema: { type: "string" },
    },
  ],
  notFound: "The name is no room",
};

const ROOMS: Upgrade = {
  summary: "Keep many documents equal over one socket (WebSocket)",
  speaks:
    `Only under the subprotocol \`${MULTIPLEX_SUBPROTOCOL}\`: at most ${MAX_CHANNELS} rooms at a time, each on a channel ` +
    `of its own, which carries the messages of \`${SYNC_SUBPROTOCOL}\`.`,
  notFound: "The subprotocol was not offered",
};

function upgrade({ summary, speaks, parameters, notFound }: Upgrade): Json {
  const codes = Object.entries(CloseCode).map(([name, code]) => `${code} ${name}`);
  return {
    summary,
    description: `${speaks} Close codes: ${codes.join(", ")}; 4400 to 4499 are final.`,
    security: [{ session: [] }],
    ...(parameters && { parameters }),
    responses: {
      101: { description: "The socket is open" },
      401: { description: "Sign in first" },
      403: { description: "The origin is foreign" },
      404: { description: notFound },
      503: { description: "The server is restarting" },
    },
  };
}
