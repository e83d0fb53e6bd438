import type { RunFailureCode } from "#shared/domain/run.ts";

/** What went wrong at a provider, as far as the retry policy cares. */
export const FAILURE_CLASSES = [
  "rate_limit",
  "quota",
  "server",
  "connect",
  "certificate",
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
  /** what the provider said, cut short: for the server's log, never for a client or a document */
  detail?: string | undefined;
}

/** The stable code people's devices know a class by, and whether trying again by hand may help. */
export const CODE_OF_CLASS: Record<FailureClass, { code: RunFailureCode; retryable: boolean }> = {
  rate_limit: { code: "rate_limited", retryable: true },
  quota: { code: "quota_exceeded", retryable: false },
  server: { code: "provider_unavailable", retryable: true },
  connect: { code: "provider_unreachable", retryable: true },
  certificate: { code: "provider_unreachable", retryable: false },
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

function classOfStatus(status: number, error: ProviderError): FailureClass {
  if (status === 429 || status === 529) return "rate_limit";
  if (status === 402) return "quota";
  if (status === 401 || status === 403) return "auth";
  if (status === 404) return "model";
  if (status === 413) return "context";
  if (status === 408 || status === 409 || status >= 500) return "server";
  if (CONTEXT_MESSAGE.test(error.message ?? "")) return "context";
  return error.param !== undefined && ADJUSTABLE.has(error.param) ? "bad_parameter" : "bad_request";
}

/** Request fields a provider may not know, and that a request can do without. */
export const ADJUSTABLE: ReadonlySet<string> = new Set([
  "stream_options",
  "max_tokens",
  "max_completion_tokens",
  "temperature",
  "top_p",
]);

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/u;
const CONNECT = /^(ECONN|ENOTFOUND|EAI_AGAIN|EHOST|ENET|EPIPE|ETIMEDOUT|UND_ERR_CONNECT|UND_ERR_SOCKET)/u;

/** What a request that got no answer failed of, by the system's error code in the chain of causes. */
export function classifyConnection(error: unknown): FailureClass {
  for (const code of codesOf(error)) {
    if (CERTIFICATE.test(code)) return "certificate";
    if (code === "UND_ERR_HEADERS_TIMEOUT") return "no_headers";
    if (CONNECT.test(code)) return "connect";
  }
  return "connect";
}

function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 6 && current instanceof Error; depth++) {
    const { code } = current as { code?: unknown };
    if (typeof code === "string") codes.push(code);
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
