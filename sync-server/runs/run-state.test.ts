import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TERMINAL_RUN_STATUSES, isTerminal } from "#shared/domain/run.ts";
import { FAILURE_CLASSES } from "./failure-classes.ts";
import { NO_TRIES, decideRetry } from "./retry-policy.ts";
import { createRun, nextRun } from "./run-state.ts";
import type { Run, RunInput } from "./run-state.ts";

const NOW = 1_000_000;
const after = (run: Run, ...inputs: RunInput[]): Run =>
  inputs.reduce((state, input) => nextRun(state, input, NOW, 0).run, run);
const admitted = after(createRun(false), { type: "admitted" });

const input: fc.Arbitrary<RunInput> = fc.oneof(
  fc.constantFrom<RunInput[]>(
    { type: "admitted" },
    { type: "not-admitted" },
    { type: "produced" },
    { type: "finished", finish: "stop" },
    { type: "retry-due" },
    { type: "stop" },
    { type: "stopped" },
    { type: "interrupt", code: "deploy" },
    { type: "call-ended", closed: true, failure: undefined },
  ),
  fc
    .constantFrom(...FAILURE_CLASSES)
    .map((found): RunInput => ({ type: "call-ended", closed: false, failure: { class: found } })),
);

test("terminal states absorb everything, and a run ends exactly once", () => {
  fc.assert(
    fc.property(fc.array(input, { maxLength: 40 }), fc.boolean(), (inputs, carried) => {
      let run = createRun(carried);
      let ends = 0;
      let produced = false;
      for (const next of inputs) {
        const before = run;
        const step = nextRun(run, next, NOW, 0.5);
        run = step.run;
        ends += step.effects.filter(({ type }) => type === "end").length;
        if (isTerminal(before.status)) expect(step).toEqual({ run: before, effects: [] });
        // A generation is not idempotent: with text shown the call is never made again.
        if (produced) expect(step.effects.some(({ type }) => type === "call" || type === "wait")).toBe(false);
        produced = run.status === "streaming" && run.produced;
      }
      expect(ends).toBe(TERMINAL_RUN_STATUSES.some((status) => status === run.status) ? 1 : 0);
    }),
  );
});

test("a stop of a queued run calls nobody; one between two attempts ends at once; one in a call aborts it", () => {
  expect(nextRun(createRun(false), { type: "stop" }, NOW, 0)).toMatchObject({
    run: { status: "stopped" },
    effects: [{ type: "end" }],
  });
  const waiting = after(admitted, { type: "call-ended", closed: false, failure: { class: "server" } });
  expect(nextRun(waiting, { type: "stop" }, NOW, 0).run.status).toBe("stopped");
  expect(nextRun(admitted, { type: "stop" }, NOW, 0)).toMatchObject({
    run: { status: "stopping" },
    effects: [{ type: "abort" }],
  });
});

test("a run that carries text on and adds nothing is interrupted, so that it can be continued again", () => {
  const carried = after(createRun(true), { type: "admitted" });
  expect(after(carried, { type: "call-ended", closed: false, failure: { class: "auth" } })).toMatchObject({
    status: "interrupted",
  });
  expect(after(admitted, { type: "call-ended", closed: false, failure: { class: "auth" } })).toMatchObject({
    status: "failed",
  });
});

describe("retries", () => {
  test.each([
    ["rate_limit", 3],
    ["server", 3],
    ["connect", 2],
    ["no_headers", 1],
    ["cut", 1],
    ["stall", 1],
    ["bad_parameter", 1],
    ["quota", 0],
    ["tls", 0],
    ["no_answer", 0],
    ["filtered", 0],
    ["context", 0],
    ["auth", 0],
    ["model", 0],
    ["bad_request", 0],
    ["bad_response", 0],
    ["breaker", 0],
    ["log", 0],
    ["internal", 0],
  ] as const)("%s is tried %i times more", (found, times) => {
    let tries = NO_TRIES;
    let made = 0;
    for (;;) {
      const decision = decideRetry({ class: found }, tries, NOW, 0.999);
      if (decision.type === "give-up") break;
      made += 1;
      ({ tries } = decision);
    }
    expect(made).toBe(times);
  });

  test("waits are full jitter of a doubling cap", () => {
    const first = decideRetry({ class: "server" }, NO_TRIES, NOW, 0.5);
    expect(first).toMatchObject({ type: "retry", at: NOW + 250, n: 1, max: 3 });
    expect(decideRetry({ class: "server" }, first.type === "retry" ? first.tries : NO_TRIES, NOW, 0.5)).toMatchObject({
      at: NOW + 500,
    });
  });

  test("a Retry-After up to a minute is kept to; a longer one, or one past 90 s in all, ends the run", () => {
    expect(decideRetry({ class: "rate_limit", retryAfterMs: 60_000 }, NO_TRIES, NOW, 0)).toMatchObject({
      at: NOW + 60_000,
    });
    expect(decideRetry({ class: "rate_limit", retryAfterMs: 60_001 }, NO_TRIES, NOW, 0)).toEqual({
      type: "give-up",
      retryAt: NOW + 60_001,
    });
    const late = { ...NO_TRIES, firstFailureAt: NOW - 60_000 };
    expect(decideRetry({ class: "rate_limit", retryAfterMs: 31_000 }, late, NOW, 0).type).toBe("give-up");
  });
});
