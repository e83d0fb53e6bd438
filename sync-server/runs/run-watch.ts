import { startSpan } from "#server/observability/spans.ts";
import type { LongSpan } from "#server/observability/spans.ts";
import type { ProviderFailure } from "./failure-classes.ts";
import type { RunParts } from "./run-parts.ts";
import type { StoredRun } from "./run-store.ts";

/** Counts and traces one run while it is written: ids, codes and times, nothing of what is said. */
export interface RunWatch {
  /** Begins the work of the run as its span, so that calls and commits hang below it. */
  run<T>(work: () => T): T;
  framesDurable(count: number): void;
  firstContent(): void;
  callBegins(attempt: number): void;
  /** A line of the provider's stream was skipped. */
  lineUnreadable(): void;
  callEnded(failure: ProviderFailure | undefined): void;
  /** The run is over, or this writer gave it up (`abandoned`). Only the first word counts. */
  ended(state: string): void;
}

/** @param stored the run as it was accepted */
export function watchRun(
  { meters, clock }: Pick<RunParts, "meters" | "clock">,
  stored: Pick<StoredRun, "id" | "facts">,
  provider: { id: string },
): RunWatch {
  const span = startSpan("run", { "holdfast.run.id": stored.id, "holdfast.provider": provider.id });
  let call: LongSpan | undefined;
  let over = false;
  meters.runStarted();

  return {
    run: span.run,
    framesDurable: meters.framesLogged,
    firstContent: () => meters.firstToken(Math.max(0, clock.now() - stored.facts.queuedAt)),
    callBegins(attempt) {
      call = span.run(() => startSpan("provider.call", { "holdfast.attempt": attempt }));
    },
    lineUnreadable: () => meters.providerLineSkipped(provider.id),
    callEnded(failure) {
      if (failure) meters.providerFailed(provider.id, failure.class);
      call?.end(
        { ...(failure?.status !== undefined && { "http.response.status_code": failure.status }) },
        failure?.class,
      );
      call = undefined;
    },
    ended(state) {
      if (over) return;
      over = true;
      if (state !== "abandoned") meters.runEnded(state);
      call?.end({}, "unfinished");
      span.end({ "holdfast.run.state": state }, state === "failed" || state === "interrupted" ? state : undefined);
    },
  };
}
