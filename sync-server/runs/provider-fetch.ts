import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { request } from "undici";
import type { Agent } from "undici";
import { classifyConnection } from "./failure-classes.ts";
import type { FailureClass } from "./failure-classes.ts";

/** of a refusal's body; the rest is not read */
const ERROR_BODY_BYTES = 64 * 1024;

/** A request that got no answer. The package would make one error of all that "timed out", and drop the cause. */
export class Unanswered extends Error {
  readonly found: FailureClass;

  constructor(found: FailureClass) {
    super("The provider did not answer");
    this.name = "Unanswered";
    this.found = found;
  }
}

/** An answer whose body is read as Node reads it: a web stream costs a millisecond before the first byte. */
export class OpenedResponse extends Response {
  readonly content: AsyncIterable<Uint8Array>;
  readonly #body: Readable;

  constructor(status: number, headers: Headers, body: Readable) {
    super(null, { status, headers });
    this.content = body;
    this.#body = body;
  }

  /** Leaves the body unread and closes its connection. Reading one byte to leave it could wait for ever. */
  discard(): void {
    this.#body.destroy();
  }
}

/**
 * `fetch` for text bodies that goes to one origin only, follows no redirect (it would carry key and prompt
 * along), sends no key where there is none, and reads a bounded part of a refusal. Rejects with `Unanswered`.
 */
export function createBoundFetch(baseUrl: string, apiKey: string | undefined, agent: Agent): typeof fetch {
  const { origin } = new URL(baseUrl);
  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    if (new URL(url).origin !== origin) throw new Error("A provider is only called at its own origin");
    const headers = new Headers(init?.headers);
    if (apiKey === undefined) headers.delete("authorization");
    // Nothing here unpacks a body.
    headers.set("accept-encoding", "identity");
    const { statusCode, headers: received, body } = await send(url, Object.fromEntries(headers), init, agent);
    // Leaving a body before its end is an error to the stream, and none to us; its reader sees every other.
    body.on("error", () => undefined);
    const isRefusal = statusCode < 200 || statusCode > 299;
    return isRefusal
      ? new Response(await readSome(body), { status: statusCode, headers: headersOf(received) })
      : new OpenedResponse(statusCode, headersOf(received), body);
  };
}

async function send(url: string, headers: Record<string, string>, init: RequestInit | undefined, dispatcher: Agent) {
  const body = typeof init?.body === "string" ? init.body : null;
  try {
    return await request(url, {
      method: body === null ? "GET" : "POST",
      headers,
      body,
      signal: init?.signal ?? undefined,
      dispatcher,
    });
  } catch (error) {
    throw new Unanswered(classifyConnection(error));
  }
}

function headersOf(received: IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(received))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) headers.append(name, one);
  return headers;
}

async function readSome(body: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels the body.
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= ERROR_BODY_BYTES) break;
  }
  return Buffer.concat(chunks);
}
