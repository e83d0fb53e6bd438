import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod/mini";
import { COMPONENTS } from "#server/http/components.ts";
import type { Operation } from "#server/http/operation.ts";
import { OPERATIONS } from "#server/http/operations.ts";
import { PASSWORD, newEmail } from "#tests/support/account.ts";
import { newId, problemOf } from "#tests/support/attacked-server.ts";
import type { Answer } from "#tests/support/attacked-server.ts";
import { atRest } from "#tests/support/policy-cast.ts";
import type { Caller } from "#tests/support/policy-cast.ts";
import { variationsOf } from "#tests/support/policy-ids.ts";
import { RECIPES, ask } from "#tests/support/policy-requests.ts";
import type { Ids } from "#tests/support/policy-requests.ts";
import { openPolicyServer } from "#tests/support/policy-server.ts";
import type { PolicyServer } from "#tests/support/policy-server.ts";
import { hostileSeed } from "#tests/support/seeded-random.ts";
import { changedTables, storedRows } from "#tests/support/stored-rows.ts";
import { valid } from "#tests/hostile/schema-arbitraries.ts";
import type { JsonSchema } from "#tests/hostile/schema-arbitraries.ts";

const SEED = hostileSeed();
/** How many generated bodies each operation gets. */
const GENERATED = 12;

type Json = Record<string, unknown>;

let server: PolicyServer;
let target: PolicyServer["target"];
let cast: PolicyServer["cast"];
let owner: Caller;
let nobody: Caller;
/** Fields that an attacker would like the server to believe, as they would set them (better-auth CVE-2025-61928). */
let privileged: Json;

beforeAll(async () => {
  server = await openPolicyServer();
  ({ target, cast } = server);
  owner = server.caller("owner");
  nobody = server.caller("nobody");
  const { me } = cast.people.victim;
  privileged = {
    userId: me.accountId,
    accountId: me.accountId,
    ownerId: me.accountId,
    tenantId: cast.victimsTeam,
    workspaceId: cast.victimsTeam,
    role: "owner",
    cost: 0,
    createdAt: 1,
    isAdmin: true,
    isAnonymous: false,
    emailVerified: true,
    token: "t".repeat(24),
    scopes: ["chats:read", "chats:write", "runs"],
    expiresAt: 4_000_000_000_000,
    ["__proto__"]: { role: "owner" },
    constructor: { prototype: { role: "owner" } },
  };
}, 120_000);
afterAll(async () => {
  await server?.close();
});

const nameOf = ({ method, path }: Operation): string => `${method.toUpperCase()} ${path}`;
const TAKING_JSON = OPERATIONS.filter(({ body, path }) => body && body.bytes === undefined && path !== "/share").map(
  (operation) => [nameOf(operation), operation] as const,
);

/** Bodies that are taken as they are, where the recipe has one that is refused for what it says. */
const TAKEN: Readonly<Record<string, () => Json>> = {
  "POST /api/auth/sign-in": () => ({ email: cast.people.victim.me.email, password: PASSWORD }),
  "POST /api/auth/sign-up": () => ({ email: newEmail(), password: PASSWORD }),
};

/** Who asks: whoever may do most, and nobody where one would be somebody else afterwards. */
const askerOf = ({ action }: Operation): Caller => (action === "anybody" ? nobody : owner);

function validRequest(operation: Operation): { ids: Ids; body: Json } {
  const name = nameOf(operation);
  const recipe = RECIPES[name] ?? {};
  const [variation] = variationsOf(cast, recipe.ids ?? {}, askerOf(operation), undefined);
  const ids = variation?.ids ?? {};
  return { ids, body: TAKEN[name]?.() ?? (JSON.parse(JSON.stringify(recipe.body?.(ids, cast) ?? {})) as Json) };
}

const post = (operation: Operation, ids: Ids, body: unknown): Promise<Answer> =>
  ask(cast, operation, {}, { headers: askerOf(operation).headers, ids, body: textOf(body) });

/** JSON, with `__proto__` as a key like any other. */
const textOf = (value: unknown): string => JSON.stringify(value);

/** The object with one field more. */
const withField = (object: Json, [key, value]: readonly [string, unknown]): Json =>
  Object.defineProperty({ ...object }, key, { value, enumerable: true, configurable: true, writable: true });

const schemaOf = ({ body }: Operation) => (body?.schema ? COMPONENTS[body.schema] : z.strictObject({}));
const isKnown = (operation: Operation, key: string): boolean => {
  const { properties = {} } = z.toJSONSchema(schemaOf(operation), { io: "input" });
  return Object.hasOwn(properties, key);
};

/** The body with a field that is none of its own, beside its fields, in each object among them, and in one of its own. */
function smuggled(operation: Operation, body: Json): Json[] {
  const fields = Object.entries(Object.getOwnPropertyDescriptors(privileged)).map(
    ([key, { value }]) => [key, value as unknown] as const,
  );
  const beside = fields.filter(([key]) => !isKnown(operation, key)).map((field) => withField(body, field));
  const inside = objectsIn(body).flatMap(([name, inner]) =>
    fields.map((field) => ({ ...body, [name]: withField(inner, field) })),
  );
  const own = ["user", "data", "$set"].flatMap((name) =>
    fields.map((field) => ({ ...body, [name]: withField({}, field) })),
  );
  return [...beside, ...inside, ...own];
}
const objectsIn = (body: Json): (readonly [string, Json])[] =>
  Object.entries(body).flatMap(([name, value]) =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? [[name, value as Json] as const] : [],
  );

describe("row 11, C05: a field that is nobody's to set is refused, and nothing is written", () => {
  test.each(TAKING_JSON)("%s", async (_, operation) => {
    const { ids, body } = validRequest(operation);
    expect(z.safeParse(schemaOf(operation), body).error).toBeUndefined();
    const before = storedRows(target.database);
    const bodies = smuggled(operation, body);
    expect(bodies.length).toBeGreaterThan(50);
    for (const one of bodies) {
      expect(problemOf(await post(operation, ids, one)), textOf(one)).toBe("invalid_body");
    }
    expect(changedTables(before, storedRows(target.database))).toEqual([]);
    // It was the field, and nothing else.
    expect((await post(operation, ids, body)).status).not.toBe(400);
    await atRest(target);
  });

  test.each(TAKING_JSON)(`%s, with generated bodies (seed ${SEED})`, async (_, operation) => {
    const { ids } = validRequest(operation);
    const schema = schemaOf(operation);
    const arbitrary = valid(z.toJSONSchema(schema, { io: "input" }) as JsonSchema) as fc.Arbitrary<Json>;
    const bodies = fc
      .sample(arbitrary, { seed: SEED, numRuns: 10 * GENERATED })
      .filter((body) => z.safeParse(schema, body).success)
      .slice(0, GENERATED);
    expect(bodies.length).toBeGreaterThan(0);
    const before = storedRows(target.database);
    for (const [at, body] of bodies.entries()) {
      const all = smuggled(operation, body);
      const one = all[(at * 7) % all.length];
      expect(problemOf(await post(operation, ids, one)), textOf(one)).toBe("invalid_body");
    }
    expect(changedTables(before, storedRows(target.database))).toEqual([]);
  });
});

describe("what a field of its own may not say", () => {
  const CASES: readonly (readonly [string, Json])[] = [
    ["POST /api/workspaces/:id/invites", { role: "owner" }],
    ["PATCH /api/workspaces/:id/members/:accountId", { role: "owner" }],
    ["POST /api/tokens", { scopes: ["admin"] }],
    ["POST /api/tokens", { scopes: [] }],
    ["POST /api/tokens", { days: 100_000 }],
    ["POST /api/tokens", { days: -1 }],
    ["POST /api/workspaces", { id: "../x" }],
    ["POST /api/workspaces", { kind: "personal" }],
    ["PUT /api/runs/:id", { parameters: { temperature: 1, model: "other" } }],
  ];
  test.each(CASES)("%s with %j is refused", async (name, over) => {
    const operation = OPERATIONS.find((one) => nameOf(one) === name) as Operation;
    const { ids, body } = validRequest(operation);
    const before = storedRows(target.database);
    expect(problemOf(await post(operation, ids, { ...body, ...over }))).toBe("invalid_body");
    expect(changedTables(before, storedRows(target.database))).toEqual([]);
  });
});

const QUERIED = OPERATIONS.filter(({ query }) => query).map((operation) => [nameOf(operation), operation] as const);
const READ = OPERATIONS.filter(({ method, query, action }) => method === "get" && !query && action !== "anybody").map(
  (operation) => [nameOf(operation), operation] as const,
);

describe("C06: queries", () => {
  test.each(QUERIED)("%s takes no key that is not its own, and none twice", async (name, operation) => {
    const { ids } = validRequest(operation);
    const wait = name.endsWith("/events") ? "&wait=0" : "";
    const reading = (query: string) => ask(cast, operation, {}, { headers: owner.headers, ids, query });
    for (const key of [...Object.keys(Object.getOwnPropertyDescriptors(privileged)), "workspace", "account"])
      expect(problemOf(await reading(`?${key}=${cast.victimsTeam}${wait}`)), key).toBe("invalid_query");
    const own = Object.keys(z.toJSONSchema(operation.query as z.ZodMiniObject, { io: "input" }).properties ?? {});
    for (const key of own) expect(problemOf(await reading(`?${key}=1&${key}=1`)), key).toBe("invalid_query");
    expect([200, 204]).toContain((await reading(wait.replace("&", "?"))).status);
  });

  test.each(READ)("%s has none, and answers the same whatever one says", async (_, operation) => {
    const { ids } = validRequest(operation);
    const reading = (query: string) => ask(cast, operation, {}, { headers: owner.headers, ids, query });
    const { me } = cast.people.victim;
    const plain = await reading("");
    expect(plain.status).toBe(200);
    for (const query of [
      `?userId=${me.accountId}&accountId=${me.accountId}&account=${me.accountId}`,
      `?workspace=${cast.victimsTeam}&workspaceId=${cast.victimsTeam}&tenantId=${cast.victimsTeam}`,
      `?id=${newId()}&role=owner&isAdmin=true&__proto__=x&constructor=x`,
    ])
      expect((await reading(query)).body, query).toBe(plain.body);
  });
});
