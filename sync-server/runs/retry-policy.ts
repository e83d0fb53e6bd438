import { backoffMs } from "#shared/lib/backoff.ts";
import type { FailureClass, ProviderFailure } from "./failure-classes.ts";

/** How often each class was retried in this run, and when the first failure was. */
export interface Tries {
  byClass: Partial<Record<FailureClass, number>>;
  total: number;
  firstFailureAt: number | undefined;
}

export const NO_TRIES: Tries = { byClass: {}, total: 0, firstFailureAt: undefined };

interface Rule {
  tries: number;
  baseMs: number;
  capMs: number;
}

/** The longest wait a provider may ask of a run; beyond it the run fails and says when to come back. */
export const LONGEST_RETRY_AFTER_MS = 60_000;
/** No retry starts later than this after the first failure. */
export const RETRY_WINDOW_MS = 90_000;
/** Over all classes, so that failures taking turns end too. */
export const MOST_RETRIES = 4;

const RULES: Partial<Record<FailureClass, Rule>> = {
  rate_limit: { tries: 3, baseMs: 1000, capMs: 4000 },
  server: { tries: 3, baseMs: 500, capMs: 8000 },
  connect: { tries: 2, baseMs: 500, capMs: 8000 },
  no_headers: { tries: 1, baseMs: 500, capMs: 500 },
  cut: { tries: 1, baseMs: 500, capMs: 500 },
  stall: { tries: 1, baseMs: 500, capMs: 500 },
  bad_parameter: { tries: 1, baseMs: 0, capMs: 0 },
};

export type RetryDecision =
  | { type: "retry"; at: number; n: number; max: number; tries: Tries }
  /** `retryAt`: ms since 1970, where the provider said when to come back */
  | { type: "give-up"; retryAt: number | undefined };

/**
 * Whether a run that has shown nothing yet tries again (a run that has is never re-sent: a generation is
 * not idempotent). Back-off is full jitter.
 * @param random a number in [0, 1)
 */
export function decideRetry(failure: ProviderFailure, tries: Tries, now: number, random: number): RetryDecision {
  const { retryAfterMs } = failure;
  const retryAt = retryAfterMs === undefined ? undefined : now + retryAfterMs;
  const rule = RULES[failure.class];
  const n = (tries.byClass[failure.class] ?? 0) + 1;
  if (rule === undefined || n > rule.tries || tries.total >= MOST_RETRIES) return { type: "give-up", retryAt };
  if (retryAfterMs !== undefined && retryAfterMs > LONGEST_RETRY_AFTER_MS) return { type: "give-up", retryAt };
  const firstFailureAt = tries.firstFailureAt ?? now;
  const at = retryAt ?? now + backoffMs(n - 1, rule.baseMs, rule.capMs, random);
  if (at - firstFailureAt > RETRY_WINDOW_MS) return { type: "give-up", retryAt };
  const next = { byClass: { ...tries.byClass, [failure.class]: n }, total: tries.total + 1, firstFailureAt };
  return { type: "retry", at, n, max: rule.tries, tries: next };
}
