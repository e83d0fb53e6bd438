import fc from "fast-check";

/** As much of JSON Schema as the published document uses. */
export interface JsonSchema {
  const?: unknown;
  anyOf?: JsonSchema[];
  type?: "null" | "object" | "array" | "string" | "number" | "integer" | "boolean";
  properties?: Record<string, JsonSchema>;
  required?: string[];
  enum?: string[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
}

/** Fields that an attacker would like the server to believe (better-auth CVE-2025-61928). */
const PRIVILEGED = [
  "userId",
  "tenantId",
  "role",
  "ownerId",
  "cost",
  "createdAt",
  "isAdmin",
  "accountId",
  "workspaceId",
];
/** Far deeper than any body is; much more of it `JSON.stringify` could not write. */
const DEEP = 2_000;
const HUGE = 300_000;

/** What the schema allows. Keys that may be left out sometimes are. */
export function valid(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(valid));
  return ofType(schema);
}

function ofType(schema: JsonSchema): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], type = "string", minimum = 0, maximum } = schema;
  switch (type) {
    case "object":
      return fc.record(Object.fromEntries(Object.entries(properties).map(([key, one]) => [key, valid(one)])), {
        requiredKeys: required,
      });
    case "array":
      return fc.array(valid(schema.items ?? {}), { minLength: schema.minItems ?? 0, maxLength: schema.maxItems ?? 5 });
    case "number":
      return fc.double({ min: minimum, max: maximum ?? 1e6, noNaN: true });
    case "integer":
      return fc.integer({ min: minimum, max: maximum ?? 1_000_000 });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "string":
      return text(schema);
  }
}

const text = ({ pattern, minLength = 0, maxLength }: JsonSchema): fc.Arbitrary<string> =>
  pattern === undefined
    ? fc.string({ minLength, maxLength: Math.min(40, maxLength ?? 40) })
    : // Every pattern that has a shortest length allows an x. The longest without one is that of a hash.
      fc
        .stringMatching(new RegExp(pattern, "u"), { maxLength: maxLength ?? 64 })
        .map((made) => made.padEnd(minLength, "x"));

/** What the schema forbids in one place, or in a way that should not matter: wrong, privileged, huge, deep. */
export function almost(schema: JsonSchema): fc.Arbitrary<unknown> {
  const wrong: fc.Arbitrary<unknown> = fc.oneof(
    fc.constantFrom<unknown>(null, -1, 1e308, 2 ** 53, true, [], {}, "", "\u0000", "__proto__", "../..", "' or 1=1--"),
    fc.string({ unit: "binary", maxLength: 30 }),
    fc.constant("h".repeat(HUGE)),
  );
  if (schema.type !== "object") return wrong;
  const keys = Object.keys(schema.properties ?? {});
  const whole = valid(schema) as fc.Arbitrary<Record<string, unknown>>;
  const withKey = (key: fc.Arbitrary<string>, value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
    fc.tuple(whole, key, value).map(([object, name, what]) => ({ ...object, [name]: what }));
  return fc.oneof(
    wrong,
    withKey(fc.constantFrom(...PRIVILEGED, "constructor", "__proto__"), wrong),
    withKey(fc.constantFrom("deep", ...keys), fc.constant(nested(DEEP))),
    ...(keys.length > 0 ? [withKey(fc.constantFrom(...keys), wrong)] : []),
    ...(keys.length > 0
      ? [fc.tuple(whole, fc.constantFrom(...keys)).map(([object, key]) => ({ ...object, [key]: undefined }))]
      : []),
  );
}

/** So many objects in each other. */
function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = { in: value };
  return value;
}
