import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ConversationId } from "#shared/domain/ids.ts";
import { encodePull, encodePush } from "#shared/protocol/bulk-sync.ts";
import { PROBLEM_STATUS } from "#shared/protocol/problem.ts";
import { newId, openAttackedServer, problemOf, send } from "#tests/support/attacked-server.ts";
import type { Answer, AttackedServer } from "#tests/support/attacked-server.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { hostileSeed } from "#tests/support/seeded-random.ts";
import { almost, valid } from "./schema-arbitraries.ts";
import type { JsonSchema } from "./schema-arbitraries.ts";

/** Routes after which whoever asked has another session, or none. */
const SWITCHES = /\/sign-(?:out|in|up)$/u;

const SEED = hostileSeed();
/** How many requests are made of each operation. */
const REQUESTS = Math.min(2_000, Number(process.env["HOSTILE"] ?? 1_500) / 10);
const RSS_GROWTH_MB = 150;

interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  schema: JsonSchema;
}
interface PublishedOperation {
  parameters?: object[];
  requestBody?: { content: Partial<Record<BodyType, { schema: object }>> };
  responses: Record<string, { description: string; content?: Record<string, unknown> }>;
}
type BodyType = "application/json" | "application/octet-stream";
interface Operation {
  method: string;
  path: string;
  parameters: Parameter[];
  body: JsonSchema | undefined;
  bodyType: BodyType;
  /** codes of problems, by status */
  codes: Record<string, string[]>;
  statuses: string[];
}

let target: AttackedServer;
let guest: Guest;
let operations: Operation[];

beforeAll(async () => {
  target = await openAttackedServer();
  guest = await signInGuest(target.url);
  await guest.fetch("/api/me");
  operations = operationsOf(await (await fetch(`${target.url}/api/openapi.json`)).json());
});
afterAll(async () => {
  await target?.close();
});

/** The operations as published, with every reference replaced by what it refers to. */
function operationsOf(document: unknown): Operation[] {
  const { paths, components } = document as {
    paths: Record<string, Record<string, PublishedOperation>>;
    components: { schemas: Record<string, object> };
  };
  const whole = (value: unknown): never =>
    JSON.parse(
      JSON.stringify(value ?? null, (_, one: unknown) =>
        typeof one === "object" && one !== null && "$ref" in one
          ? components.schemas[String(one.$ref).split("/").at(-1) ?? ""]
          : one,
      ),
    ) as never;
  return Object.entries(paths)
    .filter(([path]) => !path.startsWith("/sync"))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => {
        const { parameters = [], requestBody, responses } = operation;
        return {
          method: method.toUpperCase(),
          path,
          parameters: whole(parameters),
          body: requestBody && whole(Object.values(requestBody.content)[0]?.schema),
          bodyType: requestBody?.content["application/octet-stream"] ? "application/octet-stream" : "application/json",
          codes: codesOf(responses),
          statuses: Object.keys(responses),
        };
      }),
    );
}

const codesOf = (responses: PublishedOperation["responses"]): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(responses)
      .filter(([, { content }]) => content?.["application/problem+json"] !== undefined)
      .map(([status, { description }]) => [status, description.split(", ")]),
  );

interface Request {
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
}

/** Lists that are nearly what bulk sync takes, as strings of one character a byte. */
const bulkBodies: fc.Arbitrary<string> = fc
  .record({
    items: fc.array(
      fc.record({
        id: fc.constantFrom(...Array.from({ length: 4 }, newId), "no-id"),
        epoch: fc.nat({ max: 2 }),
        update: fc.oneof(fc.constant(new Uint8Array([0, 0])), fc.uint8Array({ maxLength: 60 })),
      }),
      { maxLength: 5 },
    ),
    cut: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 20 }) }),
    isPush: fc.boolean(),
  })
  .map(({ items, cut, isPush }) => {
    const list = items.map((item) => ({ ...item, id: item.id as ConversationId }));
    const wanted = list.map(({ id, epoch, update }) => ({ id, epoch, haveSeq: epoch, stateVector: update }));
    const bytes = isPush ? encodePush(list) : encodePull(wanted);
    return Buffer.from(bytes.subarray(0, Math.max(0, bytes.length - cut))).toString("latin1");
  });

const some = (schema: JsonSchema): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 2, arbitrary: valid(schema) }, { weight: 1, arbitrary: almost(schema) });

/** Requests of one operation: each part valid or almost so. */
function requests({ path, parameters, body, bodyType }: Operation): fc.Arbitrary<Request> {
  const values = fc.record(
    Object.fromEntries(parameters.map(({ name, schema }) => [name, fc.option(some(schema), { nil: undefined })])),
  );
  const json = body && some(body).map((value) => JSON.stringify(value));
  const usual = bodyType === "application/json" ? json : bulkBodies;
  const text = usual
    ? fc.oneof({ weight: 5, arbitrary: usual }, { weight: 1, arbitrary: fc.string({ maxLength: 50 }) })
    : fc.constant(undefined);
  return fc.record({ values, body: text }).map((made) => ({
    path: addressOf(path, parameters, made.values),
    headers: headersOf(parameters, made.values),
    body: made.body,
  }));
}

function addressOf(path: string, parameters: readonly Parameter[], values: Record<string, unknown>): string {
  const id = encodeURIComponent(String(values["id"] ?? newId())).replaceAll(".", "%2E");
  const query = parameters
    .filter((one) => one.in === "query" && values[one.name] !== undefined)
    // Waiting for something new is tried elsewhere; here it would only take its time.
    .map(({ name }) => `${name}=${encodeURIComponent(name === "wait" ? "0" : String(values[name]))}`);
  return `${path.replaceAll(/\{\w+\}/g, id || "x")}${query.length > 0 ? `?${query.join("&")}` : ""}`;
}
const headersOf = (parameters: readonly Parameter[], values: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    parameters
      .filter((one) => one.in === "header" && values[one.name] !== undefined)
      .map(({ name }) => [name, String(values[name]).replace(/[^\u0020-\u007e]/g, "?")]),
  );

/** Whether an answer is one the document names; a 4xx must have written nothing. */
function complaint(operation: Operation, answered: Answer): string | undefined {
  const { status } = answered;
  if (status >= 200 && status < 300) return operation.statuses.includes(String(status)) ? undefined : `a ${status}`;
  const code = problemOf(answered);
  if (!(code in PROBLEM_STATUS)) return `no problem: ${code}`;
  if (status >= 500 && !(status === 503 && ["draining", "overloaded"].includes(code))) return `${status} ${code}`;
  return operation.codes[status]?.includes(code) ? undefined : `${status} ${code} is not documented`;
}

const counted = (): Record<string, number> => {
  const {
    doc_update: _,
    doc_client: __,
    doc_checkpoint: ___,
    sqlite_sequence: ____,
    session,
    user,
    ...rows
  } = target.rows();
  return { ...rows, session: session ?? 0, user: user ?? 0 };
};

test(
  `row 25, C05, C06: ${REQUESTS} generated requests of every operation are answered as documented, and a refusal writes nothing (seed ${SEED})`,
  { timeout: 60_000 + REQUESTS * 800 },
  async () => {
    const rss = target.memory("VmRSS");
    const answers: Record<string, number> = {};
    for (const operation of operations) {
      const { method } = operation;
      await fc.assert(
        fc.asyncProperty(requests(operation), async ({ path, headers, body }) => {
          const before = counted();
          const type: Record<string, string> = body === undefined ? {} : { "content-type": operation.bodyType };
          const cookie: Record<string, string> = SWITCHES.test(path) ? {} : { cookie: guest.cookie };
          const all = { origin: target.url, ...cookie, ...type, ...headers };
          const bytes = body !== undefined && operation.bodyType !== "application/json" && Buffer.from(body, "latin1");
          const sent = bytes || body;
          const answered = await send(target.port, {
            method,
            path,
            headers: all,
            ...(sent !== undefined && { body: sent }),
          });
          expect(complaint(operation, answered), `${method} ${path} ${body?.slice(0, 500)}`).toBeUndefined();
          if (answered.status >= 400) expect(counted()).toEqual(before);
          const name = `${answered.status}`;
          answers[name] = (answers[name] ?? 0) + 1;
        }),
        { numRuns: operation.body || operation.parameters.length > 0 ? REQUESTS : 5, seed: SEED },
      );
    }
    await target.expectUnharmed();
    const grown = target.memory("VmRSS") - rss;
    process.stdout.write(`generated requests, seed ${SEED}: ${JSON.stringify(answers)}, RSS +${grown} MB\n`);
    expect(grown).toBeLessThan(RSS_GROWTH_MB);
    for (const status of ["200", "400", "404"]) expect(answers[status] ?? 0, status).toBeGreaterThan(0);
  },
);
