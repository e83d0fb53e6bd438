/** What the scripted provider does with one request. A function decides by the request's body. */
export type Behaviour =
  | AnswerBehaviour
  | RefusalBehaviour
  /** accepts the request and never says a word */
  | { kind: "hang" }
  /** status 200 and the event-stream header, then nothing; with `commentEveryMs`, keep-alive comments only */
  | { kind: "headers-only"; commentEveryMs: number | undefined }
  /** destroys the socket before any header */
  | { kind: "cut-before-headers" }
  /** an answer that is no event stream at all, e.g. a proxy's HTML page */
  | { kind: "plain"; status: number; contentType: string; body: string };

/** `flood`: as fast as the socket takes it; `gated`: one token for each one released by the test. */
export type Pace = "flood" | "gated" | { everyMs: number };

export interface ProviderUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details?: { cached_tokens: number };
  completion_tokens_details?: { reasoning_tokens: number };
}

/**
 * `on-request`: one chunk before `[DONE]` when the request set `stream_options.include_usage`, as OpenAI
 * does; `always`: the same without being asked; `every-chunk`: running totals in each chunk; `null`: a null
 * in each chunk and no totals; `absurd`: negative and enormous counts; or exact counts.
 */
export type UsageScript = "on-request" | "always" | "missing" | "null" | "every-chunk" | "absurd" | ProviderUsage;

export type Ending =
  /** finish chunk, usage, `[DONE]`, end */
  | { type: "done" }
  /** finish chunk and end, without `[DONE]` */
  | { type: "no-done" }
  /** the body ends properly after so many tokens, with neither finish_reason nor `[DONE]` */
  | { type: "eof"; after: number }
  /** the socket is destroyed after so many tokens */
  | { type: "cut"; after: number }
  /** silence after so many tokens; with `commentEveryMs`, keep-alive comments only */
  | { type: "stall"; after: number; commentEveryMs?: number | undefined }
  /** an `{"error": …}` data line after so many tokens, then the body ends */
  | { type: "error"; after: number; error: Record<string, unknown> };

/** Where the bytes of a body are cut into separate writes; answers ascending offsets. */
export type Split = (body: Uint8Array) => number[];

export interface AnswerBehaviour {
  kind: "answer";
  tokens: readonly string[];
  /** `reasoning_content` deltas before the text */
  reasoning: readonly string[];
  pace: Pace;
  usage: UsageScript;
  /** `undefined`: no finish_reason is ever sent */
  finish: "stop" | "length" | "content_filter" | "tool_calls" | undefined;
  ending: Ending;
  newline: "\n" | "\r\n" | "\r";
  /** a comment line before every so many events; 0 for none */
  commentEvery: number;
  /** raw text put into the body before the event of the token with this index */
  inserts: readonly { before: number; raw: string }[];
  split: Split | undefined;
  /** what the chunks name as the model; the requested one by default */
  model: string | undefined;
  /** ms between the request and the headers */
  headersAfterMs: number;
  headers: Readonly<Record<string, string>>;
}

export interface RefusalBehaviour {
  kind: "refusal";
  status: number;
  headers: Readonly<Record<string, string>>;
  /** `undefined`: an empty body */
  error: { message: string; type: string; code: string | null; param: string | null } | undefined;
}

/** Streams a text (cut into short tokens) or exact tokens; every option has an ordinary default. */
export function answer(
  text: string | readonly string[],
  options: Partial<Omit<AnswerBehaviour, "kind" | "tokens">> = {},
): AnswerBehaviour {
  return {
    kind: "answer",
    tokens: typeof text === "string" ? tokenise(text) : text,
    reasoning: [],
    pace: "flood",
    usage: "on-request",
    finish: "stop",
    ending: { type: "done" },
    newline: "\n",
    commentEvery: 0,
    inserts: [],
    split: undefined,
    model: undefined,
    headersAfterMs: 0,
    headers: {},
    ...options,
  };
}

/** Cuts a text into model-sized tokens; joined they are the text again. */
export const tokenise = (text: string): string[] => text.match(/\s?\S{1,5}|\s/gu) ?? [];

const refusal = (status: number, code: string | null, message: string, rest: Partial<RefusalBehaviour> = {}) =>
  ({
    kind: "refusal",
    status,
    headers: {},
    error: { message, type: "invalid_request_error", code, param: null },
    ...rest,
  }) as const satisfies RefusalBehaviour;

/**
 * The refusals of real endpoints. Their messages carry a canary, `SECRET-PROVIDER-TEXT`: it must never
 * reach a client or a document.
 */
export const refusals = {
  contextLengthExceeded: () =>
    refusal(400, "context_length_exceeded", `${CANARY} maximum context length is 8192 tokens`),
  /** the same, as servers say it that have no code for it */
  contextLengthByMessage: () => refusal(400, null, `${CANARY} This model's maximum context length is 8192 tokens.`),
  contentFilter: () => refusal(400, "content_filter", `${CANARY} the prompt was filtered`),
  badParameter: (param: string) =>
    refusal(400, "unsupported_parameter", `${CANARY} Unsupported parameter: '${param}'`, {
      error: {
        message: `${CANARY} Unsupported parameter: '${param}'`,
        type: "invalid_request_error",
        code: "unsupported_parameter",
        param,
      },
    }),
  badRequest: () => refusal(400, null, `${CANARY} bad request`),
  badKey: () => refusal(401, "invalid_api_key", `${CANARY} Incorrect API key provided: sk-abc`),
  paymentRequired: () => refusal(402, "billing_hard_limit_reached", `${CANARY} pay`),
  forbidden: () => refusal(403, "permission_denied", `${CANARY} not allowed`),
  modelNotFound: () => refusal(404, "model_not_found", `${CANARY} The model does not exist`),
  tooLarge: () => refusal(413, null, `${CANARY} payload too large`),
  /** headers: `retry-after` in seconds or as a date, `retry-after-ms` */
  rateLimited: (headers: Record<string, string> = {}) =>
    refusal(429, "rate_limit_exceeded", `${CANARY} slow down`, { headers }),
  outOfQuota: () => refusal(429, "insufficient_quota", `${CANARY} You exceeded your current quota`),
  /** a bare status, e.g. 408, 409, 500, 502, 503, 504, 520, 529 */
  status: (status: number, headers: Record<string, string> = {}) =>
    refusal(status, null, `${CANARY} status ${status}`, { headers }),
  /** a bare status with an empty body */
  silent: (status: number): RefusalBehaviour => ({ kind: "refusal", status, headers: {}, error: undefined }),
} as const;

/** Part of every error text the scripted provider makes. */
export const CANARY = "SECRET-PROVIDER-TEXT";

/** Common places to cut a body. */
export const splits = {
  everyByte: (body: Uint8Array): number[] => Array.from({ length: Math.max(0, body.length - 1) }, (_, i) => i + 1),
  at:
    (...offsets: number[]): Split =>
    (body) =>
      [...new Set(offsets)].filter((at) => at > 0 && at < body.length).toSorted((a, b) => a - b),
  /** before every continuation byte of a UTF-8 sequence, and nowhere else */
  insideCharacters: (body: Uint8Array): number[] => [...body.keys()].filter((i) => i > 0 && (body[i]! & 0xc0) === 0x80),
  /** `count` places chosen by a seeded random function answering numbers in [0, 1) */
  random:
    (count: number, random: () => number): Split =>
    (body) =>
      splits.at(...Array.from({ length: count }, () => Math.floor(random() * body.length)))(body),
} as const;
