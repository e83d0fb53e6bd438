import OpenAI, { APIError } from "openai";
import type { ChatCompletionCreateParamsStreaming } from "openai/resources/chat/completions";
import { Agent } from "undici";
import { readProviderError } from "./completion-chunks.ts";
import { ADJUSTABLE, classifyConnection, classifyError, parseRetryAfter, plainWordOf } from "./failure-classes.ts";
import type { ProviderFailure } from "./failure-classes.ts";
import { onlyBatch, openPartStream } from "./part-stream.ts";
import type { Batches } from "./part-stream.ts";
import { OpenedResponse, Unanswered, createBoundFetch } from "./provider-fetch.ts";
import type { CompletionRequest, Provider, ProviderPart } from "./provider.ts";

export interface OpenAiProviderOptions {
  id: string;
  name: string;
  kind: "hosted" | "local";
  baseUrl: string;
  /** `undefined`: no key is sent at all */
  apiKey: string | undefined;
  concurrency: number;
  /** ms to establish a connection */
  connectMs?: number | undefined;
  now: () => number;
}

/** Above every limit of our own, so that ours speak first. */
const OUTER_TIMEOUT_MS = 35 * 60_000;
const CONNECT_MS = 10_000;

/** An endpoint that speaks Chat Completions. The package makes the request; the body is read here. */
export function openOpenAiProvider(options: OpenAiProviderOptions): Provider & { close(): Promise<void> } {
  const agent = new Agent({
    connect: { timeout: options.connectMs ?? CONNECT_MS },
    headersTimeout: OUTER_TIMEOUT_MS,
    bodyTimeout: OUTER_TIMEOUT_MS,
    connections: null,
  });
  const client = new OpenAI({
    baseURL: options.baseUrl,
    apiKey: options.apiKey ?? "none",
    organization: null,
    project: null,
    maxRetries: 0,
    timeout: OUTER_TIMEOUT_MS,
    logLevel: "off",
    fetch: createBoundFetch(options.baseUrl, options.apiKey, agent),
  });
  /** parameters this endpoint has refused, by model */
  const refused = new Map<string, Set<string>>();

  async function open(request: CompletionRequest, signal: AbortSignal): Promise<Batches> {
    try {
      const body = bodyOf(request, refused.get(request.model) ?? new Set());
      return read(await client.chat.completions.create(body, { signal }).asResponse());
    } catch (error) {
      return onlyBatch([{ type: "failed", failure: refusalOf(error, request) }]);
    }
  }

  function refusalOf(error: unknown, { model }: CompletionRequest): ProviderFailure {
    if (error instanceof Error && error.cause instanceof Unanswered) return { class: error.cause.found };
    if (!(error instanceof APIError) || error.status === undefined) return { class: classifyConnection(error) };
    const { headers } = error as { headers?: Headers };
    const said = readProviderError(error.error);
    const status = error.status as number;
    const failure: ProviderFailure = {
      class: classifyError({ ...said, status }),
      status,
      retryAfterMs: parseRetryAfter((name) => headers?.get(name), options.now()),
      said: plainWordOf(said),
    };
    if (failure.class !== "bad_parameter") return failure;
    // Without a parameter to leave out, the same request would only be refused again.
    return rememberRefused(model, said.param ?? namedIn(said.message)) ? failure : { ...failure, class: "bad_request" };
  }

  function rememberRefused(model: string, parameter: string | undefined): boolean {
    if (parameter === undefined || !ADJUSTABLE.has(parameter)) return false;
    const known = refused.get(model) ?? new Set();
    if (known.has(parameter)) return false;
    refused.set(model, known.add(parameter));
    return true;
  }

  const { id, name, kind, concurrency } = options;
  const call: Provider["call"] = (request, signal) => batchesOf(() => open(request, signal));
  return { id, name, kind, concurrency, call, close: () => agent.destroy() };
}

const namedIn = (message: string | undefined): string | undefined =>
  [...ADJUSTABLE].find((parameter) => message?.includes(`'${parameter}'`));

/** The request's body without what this endpoint has refused before. */
function bodyOf(
  { model, messages, parameters }: CompletionRequest,
  refused: ReadonlySet<string>,
): ChatCompletionCreateParamsStreaming {
  const { temperature, topP, maxOutputTokens } = parameters;
  const optional: Record<string, unknown> = {
    stream_options: { include_usage: true },
    temperature,
    top_p: topP,
    max_tokens: maxOutputTokens,
    // The newer name of the same limit, for models that refuse the older one.
    max_completion_tokens: refused.has("max_tokens") ? maxOutputTokens : undefined,
  };
  const kept = Object.entries(optional).filter(([key, value]) => value !== undefined && !refused.has(key));
  return {
    model,
    messages: messages.map(({ role, text }) => ({ role, content: text })),
    stream: true,
    ...Object.fromEntries(kept),
  };
}

function read(response: Response): Batches {
  const unreadable = whyUnreadable(response);
  if (unreadable === undefined && response instanceof OpenedResponse) return openPartStream(response.content);
  if (response instanceof OpenedResponse) response.content.discard();
  return onlyBatch([{ type: "failed", failure: { class: "bad_response", said: unreadable } }]);
}

/** Batches of a call that is still being made. */
function batchesOf(open: () => Promise<Batches>): AsyncIterable<readonly ProviderPart[]> {
  return {
    [Symbol.asyncIterator]() {
      let opened: Batches | undefined;
      return {
        next: async () => (opened ??= await open()).next(),
        return: async () => opened?.return?.() ?? { value: undefined, done: true },
      };
    },
  };
}

/** Why the body of an answer is not even begun, as its headers say it; `undefined` where it can be read. */
function whyUnreadable({ headers }: Response): string | undefined {
  const encoding = headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  // Packed, though it was asked not to be: its bytes would be read as an answer that says nothing.
  if (encoding !== "" && encoding !== "identity") return "encoded_body";
  return headers.get("content-type")?.includes("text/event-stream") ? undefined : "no_event_stream";
}
