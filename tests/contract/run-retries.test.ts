import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CANARY, answer, refusals } from "#tests/support/provider-behaviour.ts";
import type { Behaviour } from "#tests/support/provider-behaviour.ts";
import { closedBaseUrl, openScriptedProvider } from "#tests/support/scripted-provider.ts";
import type { ScriptedProvider } from "#tests/support/scripted-provider.ts";
import { SHORT, openHarness } from "./run-harness.ts";
import type { Harness } from "./run-harness.ts";

let provider: ScriptedProvider;
let relay: Harness;
beforeEach(async () => {
  provider = await openScriptedProvider();
  relay = await openHarness({ baseUrl: provider.baseUrl, apiKey: "sk-test", timers: SHORT });
});
afterEach(async () => {
  await relay.close();
  await provider.close();
});

async function run(...script: Behaviour[]) {
  const before = provider.requests.length;
  provider.script(...script);
  const body = await relay.prompt();
  const id = await relay.start(body);
  const snapshot = await relay.finished(id);
  return {
    id,
    snapshot,
    calls: provider.requests.length - before,
    usage: await relay.usage(id),
    message: await relay.message(body),
  };
}

const GOOD = answer("It worked.");
const broken = (code: string) =>
  answer("Half an answer", { ending: { type: "error", after: 2, error: { code, message: CANARY } } });

describe("D1: nothing shown yet, so the call is made again", () => {
  test.each<[string, Behaviour, number]>([
    ["429", refusals.rateLimited(), 3],
    ["429 with a short Retry-After", refusals.rateLimited({ "retry-after-ms": "5" }), 3],
    ["529", refusals.status(529), 3],
    ["408", refusals.status(408), 3],
    ["409", refusals.status(409), 3],
    ["500", refusals.status(500), 3],
    ["502", refusals.silent(502), 3],
    ["503", refusals.status(503, { "retry-after": "0" }), 3],
    ["504", refusals.status(504), 3],
    ["520", refusals.status(520), 3],
    ["reset before headers", { kind: "cut-before-headers" }, 2],
    ["no headers", { kind: "hang" }, 1],
    ["end of body with neither finish_reason nor [DONE]", answer("x", { ending: { type: "eof", after: 0 } }), 1],
    ["cut before content", answer("x", { ending: { type: "cut", after: 0 } }), 1],
    ["headers and then nothing", { kind: "headers-only", commentEveryMs: undefined }, 1],
  ])("%s", async (_, behaviour, tries) => {
    const good = await run(...Array.from({ length: tries }, () => behaviour), GOOD);
    expect(good.snapshot).toMatchObject({ state: "completed", text: "It worked.", attempts: tries + 1 });
    expect(good.calls).toBe(tries + 1);
    expect(good.usage.map(({ attempt }) => attempt)).toEqual(Array.from({ length: tries + 1 }, (__, i) => i + 1));
  });

  test("and after the last try the run fails with a stable code", async () => {
    const script = Array.from({ length: 4 }, () => refusals.status(500));
    const failed = await run(...script);
    expect(failed.calls).toBe(4);
    expect(failed.snapshot).toMatchObject({
      state: "failed",
      failure: { code: "provider_unavailable", retryable: true },
    });
    expect(failed.usage.every((row) => row.input_tokens === null)).toBe(true);
  });

  test("429 with Retry-After 600 fails at once and says when to come back", async () => {
    const { snapshot, calls } = await run(refusals.rateLimited({ "retry-after": "600" }));
    expect(calls).toBe(1);
    expect(snapshot.failure).toMatchObject({ code: "rate_limited", retryable: true });
    expect(snapshot.failure!.retryAt! - Date.now()).toBeGreaterThan(590_000);
  });
});

test.each<[string, Behaviour, string]>([
  ["out of quota", refusals.outOfQuota(), "quota_exceeded"],
  ["payment required", refusals.paymentRequired(), "quota_exceeded"],
  ["content filter", refusals.contentFilter(), "filtered"],
  ["context length", refusals.contextLengthExceeded(), "context_too_long"],
  ["context length by its message", refusals.contextLengthByMessage(), "context_too_long"],
  ["too large", refusals.tooLarge(), "context_too_long"],
  ["bad key", refusals.badKey(), "key_rejected"],
  ["forbidden", refusals.forbidden(), "key_rejected"],
  ["model not found", refusals.modelNotFound(), "model_unknown"],
  ["bad request", refusals.badRequest(), "bad_request"],
  ["no event stream", { kind: "plain", status: 200, contentType: "text/html", body: "<html>" }, "bad_response"],
  ["content filter before any text", answer([], { finish: "content_filter" }), "filtered"],
])("never tried again: %s", async (_, behaviour, code) => {
  const { snapshot, calls, usage, message } = await run(behaviour);
  expect(calls).toBe(1);
  expect(snapshot).toMatchObject({ state: "failed", failure: { code }, text: "" });
  expect(usage).toHaveLength(1);
  expect(message?.run).toMatchObject({ status: "failed", failure: { code } });
  expect(JSON.stringify([snapshot, message]) + relay.logged.join("")).not.toContain(CANARY);
});

test("an unreachable provider is tried twice more, and said to be unreachable", async () => {
  const lost = await openHarness({ baseUrl: await closedBaseUrl() });
  const id = await lost.start(await lost.prompt());
  expect(await lost.finished(id)).toMatchObject({
    state: "failed",
    attempts: 3,
    failure: { code: "provider_unreachable" },
  });
  await lost.close();
});

test.each(["stream_options", "max_tokens", "temperature"])(
  "%s is left out once the provider has refused it",
  async (name) => {
    provider.script(refusals.badParameter(name), GOOD, GOOD);
    const from = provider.requests.length;
    for (const round of [1, 2]) {
      const body = await relay.prompt();
      const id = await relay.start({ ...body, parameters: { temperature: 1, maxOutputTokens: 50 } });
      expect((await relay.finished(id)).state).toBe("completed");
      expect(provider.requests).toHaveLength(from + 1 + round);
    }
    const [first, ...later] = provider.requests.slice(from).map(({ body }) => body);
    expect(first).toHaveProperty(name);
    for (const body of later) expect(body).not.toHaveProperty(name);
    if (name === "max_tokens") expect(later[0]).toMatchObject({ max_completion_tokens: 50 });
  },
);

describe("D2, D3: with text shown nothing is sent again; the text is kept", () => {
  test.each<[string, Behaviour, string]>([
    ["cut", answer("Half an answer", { ending: { type: "cut", after: 2 } }), "provider_cut"],
    [
      "end without finish_reason or [DONE]",
      answer("Half an answer", { ending: { type: "eof", after: 2 } }),
      "provider_cut",
    ],
    ["silence", answer("Half an answer", { ending: { type: "stall", after: 2 } }), "stalled"],
    ["comments only", answer("Half an answer", { ending: { type: "stall", after: 2, commentEveryMs: 20 } }), "stalled"],
    ["rate limit inside the stream", broken("rate_limit_exceeded"), "rate_limited"],
    ["quota inside the stream", broken("insufficient_quota"), "quota_exceeded"],
    ["server error inside the stream", broken("server_error"), "provider_unavailable"],
    ["key refused inside the stream", broken("invalid_api_key"), "key_rejected"],
  ])("%s", async (_, behaviour, code) => {
    const { snapshot, calls, usage, message } = await run(behaviour);
    expect(calls).toBe(1);
    expect(snapshot).toMatchObject({ state: "interrupted", text: "Half an", failure: { code } });
    expect(message).toMatchObject({ text: "Half an", run: { status: "interrupted", failure: { code } } });
    expect(usage).toMatchObject([{ source: "estimated", output_tokens: 2 }]);
    expect(JSON.stringify([snapshot, message]) + relay.logged.join("")).not.toContain(CANARY);
  });

  test("a content filter keeps the part before it, completed", async () => {
    const { snapshot } = await run(answer("Some text", { finish: "content_filter" }));
    expect(snapshot).toMatchObject({ state: "completed", finish: "content_filter", text: "Some text" });
  });

  test("finish_reason without [DONE], and [DONE] without finish_reason, are whole answers", async () => {
    expect((await run(answer("Whole.", { ending: { type: "no-done" } }))).snapshot.state).toBe("completed");
    expect((await run(answer("Whole.", { finish: undefined }))).snapshot.state).toBe("completed");
  });

  test("readers are told of a silence before the call is given up", async () => {
    provider.script(answer("Half an answer", { ending: { type: "stall", after: 2 } }));
    const id = await relay.start(await relay.prompt());
    expect((await relay.events(id)).map(({ type }) => type)).toContain("stall");
  });
});

describe("D5: what cannot be true is estimated and marked", () => {
  test.each(["missing", "null", "absurd"] as const)("usage %s", async (usage) => {
    const done = await run(answer("Some text", { usage }));
    expect(done.snapshot.usage).toMatchObject({ source: "estimated", outputTokens: 2 });
    expect(done.usage).toMatchObject([{ source: "estimated", outcome: "completed" }]);
  });
  test("and what the provider counted is taken from its last chunk", async () => {
    const done = await run(answer("Some text", { usage: "every-chunk" }));
    expect(done.snapshot.usage).toMatchObject({ source: "provider", inputTokens: 11 });
  });
});
