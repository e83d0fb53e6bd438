import type { IncomingHttpHeaders } from "node:http";
import type { Agent } from "undici";
import { classifyConnection } from "./failure-classes.ts";
import type { FailureClass } from "./failure-classes.ts";
import { createProviderBody } from "./provider-body.ts";
import type { ProviderBody } from "./provider-body.ts";

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

/** An answer whose body is handed over as it comes: streams, Node's and the web's, cost more than what they carry. */
export class OpenedResponse extends Response {
  readonly content: ProviderBody;

  constructor(status: number, headers: Headers, content: ProviderBody) {
    super(null, { status, headers });
    this.content = content;
  }
}

/**
 * `fetch` for text bodies that goes to one origin only, follows no redirect (it would carry key and prompt
 * along), sends no key where there is none, and reads a bounded part of a refusal. Rejects with `Unanswered`.
 */
export function createBoundFetch(baseUrl: string, apiKey: string | undefined, agent: Agent): typeof fetch {
  const { origin } = new URL(baseUrl);
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : String(input));
    if (url.origin !== origin) throw new Error("A provider is only called at its own origin");
    const headers = new Headers(init?.headers);
    if (apiKey === undefined) headers.delete("authorization");
    // Nothing here unpacks a body.
    headers.set("accept-encoding", "identity");
    const { status, headers: received, body } = await send(url, Object.fromEntries(headers), init, agent);
    const isRefusal = status < 200 || status > 299;
    return isRefusal
      ? new Response(await readSome(body), { status, headers: received })
      : new OpenedResponse(status, received, body);
  };
}

interface Answer {
  status: number;
  headers: Headers;
  body: ProviderBody;
}

function send(url: URL, headers: Record<string, string>, init: RequestInit | undefined, agent: Agent): Promise<Answer> {
  const text = typeof init?.body === "string" ? init.body : null;
  const { origin, pathname, search } = url;
  const signal = init?.signal ?? undefined;
  return new Promise((resolve, reject) => {
    const body = createProviderBody(signal);
    // Nobody waits for a connection that is not wanted any more.
    signal?.addEventListener("abort", () => reject(new Unanswered("no_answer")), { once: true });
    agent.dispatch(
      { origin, path: pathname + search, method: text === null ? "GET" : "POST", headers, body: text },
      {
        onRequestStart: (controller) => body.begin(controller),
        onResponseStart(_, status, received) {
          // 1xx only says that the answer is yet to come.
          if (status >= 200) resolve({ status, headers: headersOf(received), body });
        },
        onResponseData: (_, bytes) => body.take(bytes),
        onResponseEnd: () => body.end(true),
        onResponseError(_, error) {
          body.end(false);
          reject(new Unanswered(classifyConnection(error)));
        },
      },
    );
  });
}

function headersOf(received: IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(received))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) headers.append(name, one);
  return headers;
}

function readSome(body: ProviderBody): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  return new Promise((resolve) => {
    body.read({
      data(bytes) {
        chunks.push(bytes);
        size += bytes.byteLength;
        if (size >= ERROR_BODY_BYTES) body.discard();
      },
      // Of a refusal that is cut, what there is says enough.
      ended: () => resolve(Buffer.concat(chunks)),
    });
  });
}
