import type { RunFailureCode } from "#shared/domain/run.ts";

/** What went wrong at a provider, as far as the retry policy cares. */
export const FAILURE_CLASSES = [
  "rate_limit",
  "quota",
  "server",
  "connect",
  "tls",
  "no_answer",
  "no_headers",
  "cut",
  "stall",
  "filtered",
  "context",
  "auth",
  "model",
  "bad_parameter",
  "bad_request",
  "bad_response",
  "too_long",
  "total_time",
  "breaker",
  "log",
  "internal",
] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];

export interface ProviderFailure {
  class: FailureClass;
  /** the HTTP status, where there was one */
  status?: number | undefined;
  /** ms the provider asks us to wait, from now */
  retryAfterMs?: number | undefined;
  /** the provider's own code or type of the error, where it is a plain word: for the server's log */
  said?: string | undefined;
}

const PLAIN_WORD = /^[a-z]+(_[a-z]+){0,7}$/u;

/**
 * The code or type of a provider's error, if it can be nothing else. Error texts quote prompts and keys, and
 * servers put texts into any field: only a word of small letters and `_`, at most 64 long, comes through.
 */
export function plainWordOf({ code, type }: Pick<ProviderError, "code" | "type">): string | undefined {
  return [code, type].find((word) => word !== undefined && word.length <= 64 && PLAIN_WORD.test(word));
}

/** The stable code people's devices know a class by, and whether trying again by hand may help. */
export const CODE_OF_CLASS: Record<FailureClass, { code: RunFailureCode; retryable: boolean }> = {
  rate_limit: { code: "rate_limited", retryable: true },
  quota: { code: "quota_exceeded", retryable: false },
  server: { code: "provider_unavailable", retryable: true },
  connect: { code: "provider_unreachable", retryable: true },
  tls: { code: "provider_unreachable", retryable: false },
  no_answer: { code: "provider_unreachable", retryable: true },
  no_headers: { code: "provider_timeout", retryable: true },
  cut: { code: "provider_cut", retryable: true },
  stall: { code: "stalled", retryable: true },
  filtered: { code: "filtered", retryable: false },
  context: { code: "context_too_long", retryable: false },
  auth: { code: "key_rejected", retryable: false },
  model: { code: "model_unknown", retryable: false },
  bad_parameter: { code: "bad_request", retryable: false },
  bad_request: { code: "bad_request", retryable: false },
  bad_response: { code: "bad_response", retryable: true },
  too_long: { code: "output_too_long", retryable: false },
  total_time: { code: "provider_timeout", retryable: true },
  breaker: { code: "provider_unavailable", retryable: true },
  log: { code: "log_unavailable", retryable: true },
  internal: { code: "internal", retryable: true },
};

/** Classes after which the provider may have worked, and so may bill. */
export const MAYBE_BILLED: ReadonlySet<FailureClass> = new Set([
  "no_headers",
  "cut",
  "stall",
  "bad_response",
  "too_long",
  "total_time",
  "log",
  "internal",
]);

/** The error object of a provider: from the body of a refusal, or from a data line of a stream. */
export interface ProviderError {
  status?: number | undefined;
  code?: string | undefined;
  type?: string | undefined;
  message?: string | undefined;
  param?: string | undefined;
}

const CODES: readonly [pattern: RegExp, found: FailureClass][] = [
  [/^(insufficient_quota|credit_balance_exhausted|billing_.*|.*_(spend|usage)_limit_exceeded)$/u, "quota"],
  [/^(rate_limit_exceeded|rate_limit_error|slow_down|tokens_exceeded|overloaded_error)$/u, "rate_limit"],
  [/^(content_filter|content_policy_violation|responsible_ai.*)$/u, "filtered"],
  [/^(context_length_exceeded|string_above_max_length|exceed_context_size_error)$/u, "context"],
  [/^(invalid_api_key|authentication_error|permission_denied|permission_error)$/u, "auth"],
  [/^model_not_found$/u, "model"],
  [/^(unsupported_parameter|unsupported_value|unknown_parameter)$/u, "bad_parameter"],
  [/^(server_error|internal_server_error|internal_error|api_error|service_unavailable|timeout)$/u, "server"],
];

const CONTEXT_MESSAGE = /maximum context length|context (window|length|size)|prompt is too long|too many tokens/iu;

/**
 * Reads what a provider's error means. Codes go first: a 429 with `insufficient_quota` is no rate limit.
 * @param error status of the answer (absent for an error inside a stream), and its error object
 */
export function classifyError(error: ProviderError): FailureClass {
  const byCode = classOfCode(error.code) ?? classOfCode(error.type);
  if (byCode !== undefined) return byCode;
  if (error.status === undefined || error.status === 200)
    return CONTEXT_MESSAGE.test(error.message ?? "") ? "context" : "server";
  return classOfStatus(error.status, error);
}

function classOfCode(code: string | undefined): FailureClass | undefined {
  if (code === undefined) return undefined;
  return (
    CODES.find(([pattern]) => pattern.test(code))?.[1] ??
    (/^\d{3}$/u.test(code) ? classOfStatus(Number(code), {}) : undefined)
  );
}

const STATUSES: Readonly<Record<number, FailureClass>> = {
  401: "auth",
  402: "quota",
  403: "auth",
  404: "model",
  408: "server",
  409: "server",
  413: "context",
  429: "rate_limit",
  529: "rate_limit",
};

function classOfStatus(status: number, { message, param }: ProviderError): FailureClass {
  const known = STATUSES[status];
  if (known !== undefined) return known;
  if (status >= 500) return "server";
  // No redirect is followed: it would carry the key and the prompt to another address.
  if (status < 400) return "bad_response";
  if (CONTEXT_MESSAGE.test(message ?? "")) return "context";
  return param !== undefined && ADJUSTABLE.has(param) ? "bad_parameter" : "bad_request";
}

/** Request fields a provider may not know, and that a request can do without. */
export const ADJUSTABLE: ReadonlySet<string> = new Set([
  "stream_options",
  "max_tokens",
  "max_completion_tokens",
  "temperature",
  "top_p",
]);

/**
 * System codes of a request that got no answer. Only what surely ended before the request was read, or is
 * known to pass by itself, is `connect` and so tried again.
 */
const CONNECTION_CODES: readonly [pattern: RegExp, found: FailureClass][] = [
  // A certificate that is not trusted, and a port that does not speak TLS: the same again next time.
  [/CERT|CRL_|^(UNABLE_TO_|ERR_TLS|ERR_SSL|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)$|EPROTO$)/u, "tls"],
  [/^(UND_ERR_HEADERS_TIMEOUT|UND_ERR_BODY_TIMEOUT)$/u, "no_headers"],
  [/^(HPE_|HTTPParserError$|UND_ERR_(HEADERS_OVERFLOW|RESPONSE))/u, "bad_response"],
  [/^(ECONN|ENOTFOUND|EAI_AGAIN|EHOST|ENET|EPIPE$|ETIMEDOUT$|UND_ERR_(CONNECT_TIMEOUT|SOCKET)$)/u, "connect"],
];

/** What a request that got no answer failed of, by the codes (or names) of its causes. */
export function classifyConnection(error: unknown): FailureClass {
  for (const code of codesOf(error)) {
    const known = CONNECTION_CODES.find(([pattern]) => pattern.test(code));
    if (known) return known[1];
  }
  return "no_answer";
}

function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 6 && current instanceof Error; depth++) {
    const { code } = current as { code?: unknown };
    codes.push(typeof code === "string" ? code : current.name);
    current = current.cause;
  }
  return codes;
}

const DATE_HEADER = /[a-z]/iu;

/**
 * ms that `retry-after-ms` or `retry-after` (RFC 9110 §10.2.3: seconds or a date) ask for; `undefined`
 * where neither is readable.
 */
export function parseRetryAfter(header: (name: string) => string | null | undefined, now: number): number | undefined {
  const milliseconds = Number.parseFloat(header("retry-after-ms") ?? "");
  if (Number.isFinite(milliseconds) && milliseconds >= 0) return milliseconds;
  const text = header("retry-after")?.trim() ?? "";
  if (text === "") return undefined;
  const ms = DATE_HEADER.test(text) ? Date.parse(text) - now : Number(text) * 1000;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
