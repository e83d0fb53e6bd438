import type { FailureClass } from "./failure-classes.ts";

/** What is known of the health of one provider and key. */
export type Breaker =
  | { status: "closed"; failures: readonly number[] }
  /** no call until `until`; then one probe */
  | { status: "open"; until: number }
  | { status: "probing"; until: number }
  /** the key was refused: asking again at once would only look like an attack */
  | { status: "key-refused"; until: number };

export const CLOSED: Breaker = { status: "closed", failures: [] };

const FAILURES = 5;
const WINDOW_MS = 30_000;
const OPEN_MS = 15_000;
const KEY_REFUSED_MS = 60_000;

/** Failures that say something about the provider, not about one request. */
const COUNTED: ReadonlySet<FailureClass> = new Set(["server", "connect", "no_headers", "cut", "stall"]);

export type Admission =
  | { type: "call"; breaker: Breaker }
  /** `retryAt`: ms since 1970 when a call may be tried again */
  | { type: "refuse"; class: "breaker" | "auth"; retryAt: number };

/** Whether a call may be made now. In the half-open state exactly one is. */
export function admitCall(breaker: Breaker, now: number): Admission {
  switch (breaker.status) {
    case "closed":
      return { type: "call", breaker };
    case "open":
    case "probing":
      if (now < breaker.until) return { type: "refuse", class: "breaker", retryAt: breaker.until };
      // A probe that never reports back must not close the door for ever, so it has a time limit too.
      return { type: "call", breaker: { status: "probing", until: now + OPEN_MS } };
    case "key-refused":
      if (now < breaker.until) return { type: "refuse", class: "auth", retryAt: breaker.until };
      return { type: "call", breaker: CLOSED };
  }
}

/** What a call's end says about the provider; `failure` is `undefined` when it answered. */
export function nextBreaker(
  breaker: Breaker,
  failure: FailureClass | undefined,
  status: number | undefined,
  now: number,
): Breaker {
  if (failure === "auth" && status === 401) return { status: "key-refused", until: now + KEY_REFUSED_MS };
  if (failure === undefined || !COUNTED.has(failure)) return CLOSED;
  if (breaker.status === "probing" || breaker.status === "open") return { status: "open", until: now + OPEN_MS };
  if (breaker.status === "key-refused") return breaker;
  const failures = [...breaker.failures.filter((at) => now - at < WINDOW_MS), now];
  return failures.length >= FAILURES ? { status: "open", until: now + OPEN_MS } : { status: "closed", failures };
}
