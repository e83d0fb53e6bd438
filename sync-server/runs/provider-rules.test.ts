import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CLOSED, admitCall, nextBreaker } from "./breaker-state.ts";
import type { Breaker } from "./breaker-state.ts";
import { MOST_BAD_LINES, createChunkReader } from "./completion-chunks.ts";
import { classifyConnection, classifyError, parseRetryAfter } from "./failure-classes.ts";
import { composeGuideAnswer } from "./guide-provider.ts";
import { createHelpPages, findHelpFolder, readHelpPages } from "./help-pages.ts";
import { parseProvidersFile } from "./provider-config.ts";
import { costOf, priceAt, sumUsage, trustedUsage } from "./usage-count.ts";

const chunk = (body: object): string => JSON.stringify(body);
const saidBy = (reader: ReturnType<typeof createChunkReader>, line: string) =>
  reader.read(line).filter(({ type }) => type !== "model");
const caused = (code: string) => new Error("x", { cause: Object.assign(new Error("y"), { code }) });
const retryAfter = (headers: Record<string, string>) => parseRetryAfter((name) => headers[name], Date.UTC(2026, 0, 1));
const parseProviders = (body: unknown) =>
  parseProvidersFile(JSON.stringify(body), (name) => (name === "KEY" ? "secret" : undefined));

describe("chunks", () => {
  test("deltas, finish reason and the last usage are read; a bad line is named as one", () => {
    const reader = createChunkReader();
    expect(
      reader.read(
        chunk({ choices: [{ delta: { content: "a", reasoning_content: "b" }, finish_reason: null }], usage: null }),
      ),
    ).toEqual([
      { type: "reasoning", text: "b" },
      { type: "text", text: "a" },
    ]);
    expect(reader.read("{broken")).toEqual([{ type: "unreadable" }]);
    expect(reader.read(chunk({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } }))).toMatchObject([
      { type: "usage", usage: { inputTokens: 3, outputTokens: 4 } },
    ]);
    expect(reader.read(" [DONE]")).toEqual([{ type: "done" }]);
  });
  test("the chunks that are read without the schema say what it would have made of them", () => {
    const odd = fc.constantFrom<unknown>(undefined, null, "", "a", 0, 1, false, [], {});
    const delta = fc.record({ content: odd, refusal: odd, reasoning_content: odd, reasoning: odd });
    const choice = fc.record({ index: odd, delta: fc.oneof(delta, odd), finish_reason: odd });
    const body = fc.record({
      choices: fc.oneof(fc.array(fc.oneof(choice, odd), { maxLength: 2 }), odd),
      usage: odd,
      error: odd,
    });
    const property = fc.property(body, (found) => {
      const knowing = createChunkReader();
      expect(knowing.read(chunk({ model: "m", choices: [] }))).toEqual([{ type: "model", model: "m" }]);
      const line = chunk({ model: "m", ...found });
      // Whoever does not know the model yet asks the schema.
      expect(saidBy(knowing, line)).toEqual(saidBy(createChunkReader(), line));
    });
    const plain = {
      choices: [{ index: 0, delta: { content: "a" }, finish_reason: null }],
      usage: null,
      error: undefined,
    };
    fc.assert(property, { numRuns: 2000, examples: [[plain as never]] });
  });
  test("too many bad lines are no stream of completions", () => {
    const reader = createChunkReader();
    for (let i = 0; i < MOST_BAD_LINES; i++) expect(reader.read("<html>")).toEqual([{ type: "unreadable" }]);
    expect(reader.read("<html>")).toMatchObject([
      { type: "unreadable" },
      { type: "failed", failure: { class: "bad_response" } },
    ]);
  });
});

describe("failures", () => {
  test.each([
    [{ status: 429, code: "insufficient_quota" }, "quota"],
    [{ status: 429 }, "rate_limit"],
    [{ status: 529 }, "rate_limit"],
    [{ status: 400, message: "maximum context length is 5" }, "context"],
    [{ status: 400, param: "top_p" }, "bad_parameter"],
    [{ status: 422 }, "bad_request"],
    [{ status: 302 }, "bad_response"],
    [{ code: "rate_limit_exceeded" }, "rate_limit"],
    [{ code: "503" }, "server"],
    [{ message: "?" }, "server"],
  ] as const)("%j is %s", (error, found) => expect(classifyError(error)).toBe(found));
  test("connection errors are told apart by the code at the bottom", () => {
    for (const [code, found] of [
      ["ECONNREFUSED", "connect"],
      ["UND_ERR_CONNECT_TIMEOUT", "connect"],
      ["UND_ERR_SOCKET", "connect"],
      ["DEPTH_ZERO_SELF_SIGNED_CERT", "tls"],
      ["CERT_HAS_EXPIRED", "tls"],
      ["ERR_SSL_WRONG_VERSION_NUMBER", "tls"],
      ["HPE_INVALID_CONSTANT", "bad_response"],
      ["ERR_INVALID_CHAR", "no_answer"],
      ["ECHO", "no_answer"],
    ] as const)
      expect([code, classifyConnection(caused(code))]).toEqual([code, found]);
    expect(classifyConnection(new Error("nothing is known"))).toBe("no_answer");
    expect(classifyConnection("no error at all")).toBe("no_answer");
  });
  test("Retry-After is seconds, a date, or milliseconds of its own", () => {
    expect(retryAfter({ "retry-after": "2" })).toBe(2000);
    expect(retryAfter({ "retry-after": "Thu, 01 Jan 2026 00:00:05 GMT" })).toBe(5000);
    expect(retryAfter({ "retry-after-ms": "7", "retry-after": "9" })).toBe(7);
    expect(retryAfter({ "retry-after": "soon" })).toBeUndefined();
  });
});

test("the breaker opens after five failures in 30 s, probes once after 15 s, and closes when it answers", () => {
  let breaker: Breaker = CLOSED;
  for (let i = 0; i < 5; i++) breaker = nextBreaker(breaker, "server", 500, i * 1000);
  expect(admitCall(breaker, 5000)).toMatchObject({ type: "refuse", class: "breaker", retryAt: 19_000 });
  const probe = admitCall(breaker, 19_000);
  expect(probe.type).toBe("call");
  if (probe.type === "call") expect(admitCall(probe.breaker, 19_001).type).toBe("refuse");
  expect(nextBreaker(breaker, undefined, 200, 19_500)).toEqual(CLOSED);
  expect(admitCall(nextBreaker(CLOSED, "auth", 401, 0), 59_999)).toMatchObject({ type: "refuse", class: "auth" });
});

describe("usage", () => {
  const counts = { inputTokens: 10, outputTokens: 5, cachedTokens: 4, reasoningTokens: undefined };
  test.each([
    { inputTokens: -1 },
    { outputTokens: Number.NaN },
    { outputTokens: 9e15 },
    { outputTokens: 0 },
    { inputTokens: 1.5 },
  ])("%j cannot be true", (wrong) => expect(trustedUsage({ ...counts, ...wrong }, true)).toBeUndefined());
  test("the price is that of the day, the cost whole millionths rounded up", () => {
    const prices = [
      {
        from: "2026-01-01",
        inputMicroUsdPerMillion: 2_000_000,
        outputMicroUsdPerMillion: 8_000_000,
        cachedInputMicroUsdPerMillion: 500_000,
      },
      { from: "2027-01-01", inputMicroUsdPerMillion: 1, outputMicroUsdPerMillion: 1 },
    ];
    expect(costOf(counts, priceAt(prices, Date.UTC(2026, 5, 1)))).toBe(54);
    expect(priceAt(prices, Date.UTC(2025, 5, 1))).toBeUndefined();
    expect(costOf(counts, undefined)).toBeUndefined();
  });
  test("one estimate makes the sum an estimate; unknown stays absent", () => {
    expect(sumUsage([{ source: "estimated" }, { source: "provider", inputTokens: 1, outputTokens: 2 }])).toMatchObject({
      source: "estimated",
      inputTokens: 1,
      outputTokens: 2,
      costMicroUsd: undefined,
    });
  });
});

test("a providers file is read strictly, with errors that name the place and never the key", () => {
  const entry = { id: "acme", baseUrl: "https://acme.example/v1" };
  expect(parseProviders([{ ...entry, apiKeyEnv: "KEY" }])).toMatchObject({
    ok: true,
    value: [{ id: "acme", name: "acme", apiKey: "secret" }],
  });
  for (const wrong of [
    { ...entry, more: 1 },
    { ...entry, baseUrl: "ftp://x" },
    { ...entry, baseUrl: "https://u:p@x" },
    { ...entry, apiKeyEnv: "NONE" },
    { ...entry, id: "holdfast" },
  ])
    expect(parseProviders([wrong]).ok).toBe(false);
  expect(parseProviders([entry, entry]).ok).toBe(false);
});

test("the example of docs/configuration.md is a providers file, and its prices are those it explains", () => {
  const page = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");
  const example = /```json providers\n(.*?)```/su.exec(page)?.[1] ?? "";
  const parsed = parseProvidersFile(example, (name) => (name === "ACME_API_KEY" ? "secret" : undefined));
  if (!parsed.ok) throw new Error(parsed.failure);
  const [acme, workshop] = parsed.value;
  expect(acme).toMatchObject({ id: "acme", name: "Acme", apiKey: "secret", concurrency: 100 });
  expect(workshop).toMatchObject({ id: "workshop", local: true, apiKey: undefined });
  const prices = acme!.models![0]!.prices!;
  const million = { inputTokens: 1_000_000, outputTokens: 0, cachedTokens: undefined, reasoningTokens: undefined };
  expect(costOf(million, priceAt(prices, Date.UTC(2026, 7, 31)))).toBe(3_000_000);
  expect(costOf({ ...million, cachedTokens: 1_000_000 }, priceAt(prices, Date.UTC(2026, 7, 31)))).toBe(300_000);
  expect(costOf({ ...million, cachedTokens: 1_000_000 }, priceAt(prices, Date.UTC(2026, 8, 1)))).toBe(2_500_000);
  expect(costOf(million, priceAt(prices, Date.UTC(2025, 11, 31)))).toBeUndefined();
});

describe("the guide", () => {
  const pages = createHelpPages(["# Answers\n## Stop an answer\nPress Stop.\n## Offline\nWrite anyway.\n"]);
  test("answers from the sections that fit, names them, and says what it is first", () => {
    const answer = composeGuideAnswer(pages, "How do I stop answers?");
    expect(answer.split("\n")[0]).toContain("not a language model");
    expect(answer).toContain("### Stop an answer\n\nPress Stop.");
    expect(answer).not.toContain("Write anyway");
  });
  test("says so when nothing fits, and greets who greets", () => {
    expect(composeGuideAnswer(pages, "quantum chromodynamics")).toContain("I found nothing about that");
    expect(composeGuideAnswer(pages, "hi there!")).toContain("Hello!");
  });
  test("finds the pages of the project", () => {
    const found = readHelpPages(findHelpFolder()!).find("How do I connect a model with an OpenAI key?");
    expect(found.map(({ page }) => page)).toContain("Connect a model");
  });
});
