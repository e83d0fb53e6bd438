import { CLOSED, admitCall, nextBreaker } from "./breaker-state.ts";
import type { Breaker } from "./breaker-state.ts";
import type { Clock } from "./clock.ts";
import type { ProviderFailure } from "./failure-classes.ts";

export interface ProviderHealth {
  /** Asks before a call; answers why it may not be made, if so. */
  admit(providerId: string): ProviderFailure | undefined;
  /** Reports how a call ended; `undefined` when the provider answered. */
  report(providerId: string, failure: ProviderFailure | undefined): void;
}

/** Keeps one circuit breaker per provider (each has one key). */
export function createProviderHealth(clock: Clock): ProviderHealth {
  const breakers = new Map<string, Breaker>();
  const of = (id: string): Breaker => breakers.get(id) ?? CLOSED;
  return {
    admit(id) {
      const now = clock.now();
      const admission = admitCall(of(id), now);
      if (admission.type === "refuse") return { class: admission.class, retryAfterMs: admission.retryAt - now };
      breakers.set(id, admission.breaker);
      return undefined;
    },
    report(id, failure) {
      breakers.set(id, nextBreaker(of(id), failure?.class, failure?.status, clock.now()));
    },
  };
}
