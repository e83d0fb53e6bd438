import type { RunParameters } from "./parameters.ts";

/** The states of a run. The last four are terminal: nothing leaves them. */
export const RUN_STATUSES = [
  "queued",
  "streaming",
  "stopping",
  "completed",
  "stopped",
  "failed",
  "interrupted",
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

export const TERMINAL_RUN_STATUSES = ["completed", "stopped", "failed", "interrupted"] as const;
export type TerminalRunStatus = (typeof TERMINAL_RUN_STATUSES)[number];

/** Whether the run is over. */
export const isTerminal = (status: RunStatus): status is TerminalRunStatus =>
  (TERMINAL_RUN_STATUSES as readonly string[]).includes(status);

/** Why the model stopped by itself. */
export const FINISH_REASONS = ["stop", "length", "tool", "content_filter"] as const;
export type FinishReason = (typeof FINISH_REASONS)[number];

/**
 * Why a run failed or was interrupted. Stable: stored in documents, sent on the wire, looked up in the
 * client's catalogue of words. Provider error text is never among them.
 */
export const RUN_FAILURE_CODES = [
  "rate_limited",
  "quota_exceeded",
  "provider_unavailable",
  "provider_unreachable",
  "provider_timeout",
  "provider_cut",
  "stalled",
  "filtered",
  "context_too_long",
  "key_rejected",
  "model_unknown",
  "bad_request",
  "bad_response",
  "output_too_long",
  "overloaded",
  "server_restarted",
  "deploy",
  "log_unavailable",
  "internal",
] as const;
export type RunFailureCode = (typeof RUN_FAILURE_CODES)[number];

export interface RunFailure {
  code: RunFailureCode;
  /** whether trying again may help without anything being changed */
  retryable: boolean;
  /** ms since 1970 before which trying again is pointless (rate limits) */
  retryAt?: number | undefined;
}

/** Tokens of one run, over all its attempts. Absent means unknown, never zero. */
export interface RunUsage {
  inputTokens?: number | undefined;
  outputTokens?: number | undefined;
  cachedTokens?: number | undefined;
  reasoningTokens?: number | undefined;
  /** `provider`: its own count; `estimated`: counted here by a tokenizer because it sent none */
  source: "provider" | "estimated";
  /** millionths of a US dollar; absent when the model has no known price */
  costMicroUsd?: number | undefined;
}

/** What a message remembers of the run that wrote it. Times are ms since 1970 by the server's clock. */
export interface RunFacts {
  runId: string;
  model: string;
  /** what the provider says answered, e.g. a dated version of `model` */
  resolvedModel?: string | undefined;
  parameters: RunParameters;
  status: RunStatus;
  finish?: FinishReason | undefined;
  failure?: RunFailure | undefined;
  /** the last frame of the run's log whose text is in the document */
  frame: number;
  usage?: RunUsage | undefined;
  queuedAt: number;
  startedAt?: number | undefined;
  firstTokenAt?: number | undefined;
  endedAt?: number | undefined;
  /** the provider's name for the state of the system that answered */
  systemFingerprint?: string | undefined;
  /** what the relay signed about the answer once it had ended: a JWS in compact form */
  receipt?: string | undefined;
}
