import * as z from "zod/mini";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { ProblemCode } from "#shared/protocol/problem.ts";
import { problem } from "./problem.ts";

/** The largest body of a JSON request, in bytes, where a route says nothing else. */
export const BODY_LIMIT_BYTES = 256 * 1024;

/**
 * Reads a JSON body of a schema. The failure is the answer to send: 415 for another content type, 413 for a
 * body over the limit (nothing beyond it is read), 400 for what is not JSON or not of the schema.
 */
export async function readBody<T>(request: Request, schema: z.core.$ZodType<T>): Promise<Result<T, Response>> {
  const text = await readJsonText(request, BODY_LIMIT_BYTES);
  return text.ok ? parseJsonText(text.value, schema) : text;
}

/** The first half of `readBody`: the bytes of a body that says that it is JSON. @param limit in bytes */
export async function readJsonText(request: Request, limit: number): Promise<Result<Uint8Array, Response>> {
  if (!isOfType(request, "application/json")) return err(problem("unsupported_media_type"));
  const bytes = await readAtMost(request, limit);
  return bytes ? ok(bytes) : err(problem("body_too_large"));
}

/** The other half: what the bytes say. */
export function parseJsonText<T>(bytes: Uint8Array, schema: z.core.$ZodType<T>): Result<T, Response> {
  const json = parseJson(bytes);
  return json.ok ? parse(schema, json.value, "invalid_body") : err(problem("malformed_json"));
}

const nothing = z.strictObject({});

/** The answer to a body where none is expected: it may be left out, and one that is sent is an empty object. */
export async function refusalOfEmpty(request: Request): Promise<Response | undefined> {
  const { headers } = request;
  if (!headers.has("content-type") && Number(headers.get("content-length") ?? 0) === 0) return undefined;
  const body = await readBody(request, nothing);
  return body.ok ? undefined : body.failure;
}

/** Reads a body of bytes, as `readBody` reads JSON; 400 for what the parser does not take. */
export async function readBytes<T>(
  request: Request,
  { type, limit, parse: parseBytes }: BytesForm<T>,
): Promise<Result<T, Response>> {
  if (!isOfType(request, type)) return err(problem("unsupported_media_type"));
  const bytes = await readAtMost(request, limit);
  if (!bytes) return err(problem("body_too_large"));
  const parsed = parseBytes(bytes);
  return parsed.ok ? parsed : err(problem("invalid_body"));
}

interface BytesForm<T> {
  type: string;
  /** in bytes */
  limit: number;
  parse(bytes: Uint8Array): Result<T>;
}

const isOfType = (request: Request, type: string): boolean =>
  request.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase() === type;

/** Checks the query of a request against a schema; a key given twice is refused. */
export function readQuery<T>(url: string, schema: z.core.$ZodType<T>): Result<T, Response> {
  const entries = [...new URL(url).searchParams];
  const query = Object.fromEntries(entries);
  if (Object.keys(query).length !== entries.length)
    return err(problem("invalid_query", { detail: "A key is given twice" }));
  return parse(schema, query, "invalid_query");
}

/**
 * Parses the members of an array in a body, in steps between which others may have their turn. The failure is the answer
 * to send, and tells of the first one that is wrong.
 * @param name of the array in the body
 */
export function* parsingEach<T>(
  schema: z.core.$ZodType<T>,
  values: readonly unknown[],
  name: string,
): Generator<void, Result<T[], Response>> {
  const parsed: T[] = [];
  for (const [index, value] of values.entries()) {
    const one = z.safeParse(schema, value);
    if (!one.success) {
      const issues = one.error.issues.map((issue) => ({ ...issue, path: [name, index, ...issue.path] }));
      return err(problem("invalid_body", { detail: pathsOf(issues) }));
    }
    parsed.push(one.data);
    yield;
  }
  return ok(parsed);
}

function parse<T>(schema: z.core.$ZodType<T>, value: unknown, code: ProblemCode): Result<T, Response> {
  const parsed = z.safeParse(schema, value);
  return parsed.success ? ok(parsed.data) : err(problem(code, { detail: pathsOf(parsed.error.issues) }));
}

/** Names the places that are wrong, never what was sent there. */
function pathsOf(issues: readonly z.core.$ZodIssue[]): string {
  const places = issues.map((issue) => {
    const path = issue.path.map(String).join(".") || "the body";
    return issue.code === "unrecognized_keys" ? `unknown keys in ${path}` : `${path}: ${issue.code}`;
  });
  return places.join("; ").slice(0, 300);
}

function parseJson(bytes: Uint8Array): Result<unknown> {
  try {
    return ok(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch {
    return err("malformed");
  }
}

/** The bytes of a body, or `undefined` where they are more than the limit: nothing beyond it is read. */
export async function readAtMost(request: Request, limit: number): Promise<Uint8Array | undefined> {
  const announced = request.headers.get("content-length");
  if (Number(announced ?? 0) > limit) return undefined;
  // Node holds a body to its announced length, and reads it whole much faster than as a web stream.
  if (announced !== null) return new Uint8Array(await request.arrayBuffer());
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = request.body?.getReader();
  if (!reader) return new Uint8Array();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(chunks);
    size += value.byteLength;
    if (size > limit) {
      // Cancelling would cut the connection before the caller read why; the Node server drops the rest.
      reader.releaseLock();
      return undefined;
    }
    chunks.push(value);
  }
}
