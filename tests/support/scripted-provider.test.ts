import * as fc from "fast-check";
import { OpenAI } from "openai";
import { afterEach, describe, expect, test } from "vitest";
import { CANARY, answer, refusals, splits, tokenise } from "./provider-behaviour.ts";
import { planAnswer } from "./provider-wire.ts";
import { closedBaseUrl, openScriptedProvider } from "./scripted-provider.ts";
import type { ScriptedProvider } from "./scripted-provider.ts";

const open: ScriptedProvider[] = [];
afterEach(async () => {
  for (const provider of open.splice(0)) await provider.close();
});

async function aProvider(...args: Parameters<typeof openScriptedProvider>): Promise<ScriptedProvider> {
  const provider = await openScriptedProvider(...args);
  open.push(provider);
  return provider;
}

const ask = (provider: { baseUrl: string }, init: RequestInit = {}, body: Record<string, unknown> = {}) =>
  fetch(`${provider.baseUrl}/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "scripted-1", stream: true, messages: [{ role: "user", content: "hi" }], ...body }),
    ...init,
  });

describe("a stream", () => {
  test("the openai package reads it whole, with usage when it asked for it", async () => {
    const provider = await aProvider();
    provider.script(answer("Grüße, 世界 🌊!", { reasoning: ["hm", "m"] }));
    const client = new OpenAI({ apiKey: "k", baseURL: provider.baseUrl, maxRetries: 0 });
    const stream = await client.chat.completions.create({
      model: "scripted-1",
      messages: [{ role: "user", content: "hi" }],
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let finish: string | null | undefined;
    let output: number | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      finish = chunk.choices[0]?.finish_reason ?? finish;
      output = chunk.usage?.completion_tokens ?? output;
    }
    expect(text).toBe("Grüße, 世界 🌊!");
    expect(finish).toBe("stop");
    expect(output).toBe(tokenise("Grüße, 世界 🌊!").length + 2);
    expect(provider.sentText()).toBe(text);
    expect(provider.requests[0]).toMatchObject({ outcome: "answered", reasoning: "hmm", body: { stream: true } });
    expect(provider.requests[0]?.headers["authorization"]).toBe("Bearer k");
  });

  test("tokens joined are the text, whatever the text", () => {
    const rejoined = fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(tokenise(text).join("")).toBe(text);
    });
    fc.assert(rejoined);
  });

  test("its bytes are the same wherever they are cut", () => {
    const request = { model: "m", includeUsage: true, index: 0 };
    const text = "héllo 🌊 wörld";
    const whole = join(answer(text), request);
    for (const split of [splits.everyByte, splits.insideCharacters, splits.at(1, 7, 7, 1e9)])
      expect(join(answer(text, { split }), request)).toBe(whole);
    expect(planAnswer(answer(text, { split: splits.everyByte }), request).pieces).toHaveLength(
      Buffer.from(whole).length,
    );
  });

  test("with CRLF, comments, and a cut at every byte it still says the same", async () => {
    const provider = await aProvider();
    provider.script(answer("añb", { newline: "\r\n", commentEvery: 1, split: splits.everyByte }));
    const body = await (await ask(provider)).text();
    expect(body).toContain(": keep-alive\r\n\r\n");
    expect(body.endsWith("data: [DONE]\r\n\r\n")).toBe(true);
    expect(provider.sentText()).toBe("añb");
  });

  test("raw inserts stand where they were put: bad JSON, a giant line", async () => {
    const provider = await aProvider();
    const giant = `data: ${"x".repeat(100_000)}\n\n`;
    provider.script(
      answer(["a", "b"], {
        inserts: [
          { before: 1, raw: "data: {bad\n\n" },
          { before: 2, raw: giant },
        ],
      }),
    );
    const body = await (await ask(provider)).text();
    expect(body.indexOf('"a"')).toBeLessThan(body.indexOf("{bad"));
    expect(body.indexOf("{bad")).toBeLessThan(body.indexOf('"b"'));
    expect(body).toContain(giant);
  });

  test.each([
    ["missing", undefined],
    ["null", [null]],
    ["absurd", [9e15]],
    ["every-chunk", [0, 1, 2]],
  ] as const)("usage %s", async (usage, expected) => {
    const provider = await aProvider();
    provider.script(answer(["a", "b"], { usage }));
    const seen = dataOf(await (await ask(provider)).text())
      .filter((chunk) => "usage" in chunk)
      .map((chunk) => (chunk["usage"] as { completion_tokens: number } | null)?.completion_tokens ?? null);
    expect([...new Set(seen)]).toEqual(expected ?? []);
  });

  test("a request without stream gets one JSON answer", async () => {
    const provider = await aProvider({ otherwise: answer("whole") });
    const body = (await (await ask(provider, {}, { stream: false })).json()) as { choices: { message: unknown }[] };
    expect(body.choices[0]?.message).toEqual({ role: "assistant", content: "whole" });
  });
});

const join = (...args: Parameters<typeof planAnswer>) =>
  Buffer.concat(planAnswer(...args).pieces.map(({ bytes }) => bytes)).toString("utf8");

const dataOf = (body: string): Record<string, unknown>[] =>
  body
    .split("\n\n")
    .filter((event) => event.startsWith("data: {"))
    .map((event) => JSON.parse(event.slice(6)) as Record<string, unknown>);

describe("pace", () => {
  test("gated: a token goes out for each one released, then the ending", async () => {
    const provider = await aProvider();
    provider.script(answer(["one ", "two ", "three"], { pace: "gated" }));
    const response = await ask(provider);
    await provider.release(2);
    expect(provider.sentText()).toBe("one two ");
    await provider.release(1);
    expect(provider.sentText()).toBe("one two three");
    expect(provider.requests[0]?.outcome).toBeUndefined();
    await provider.release(1);
    expect(await response.text()).toContain("[DONE]");
    expect(await provider.requests[0]?.closed).toBe("answered");
  });

  test("release to infinity resolves when the answer is over", async () => {
    const provider = await aProvider();
    provider.script(answer("a longer answer than one token", { pace: "gated" }));
    const body = ask(provider).then((response) => response.text());
    await provider.release(Number.POSITIVE_INFINITY);
    expect(await body).toContain("[DONE]");
  });

  test("paced: the last token is not earlier than its time", async () => {
    const provider = await aProvider();
    provider.script(answer(["a", "b", "c", "d"], { pace: { everyMs: 15 } }));
    const startedAt = performance.now();
    await (await ask(provider)).text();
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(4 * 15 - 2);
  });

  test("a reader who takes nothing holds a flood back", async () => {
    const provider = await aProvider();
    const tokens = Array.from({ length: 400 }, () => "x".repeat(100_000));
    provider.script(answer(tokens));
    const client = new AbortController();
    await ask(provider, { signal: client.signal });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(provider.requests[0]!.bytesSent).toBeLessThan(30e6);
    client.abort();
    expect(await provider.requests[0]!.closed).toBe("aborted");
  });
});

describe("failures", () => {
  test.each([
    [refusals.contextLengthExceeded(), 400, "context_length_exceeded"],
    [refusals.contentFilter(), 400, "content_filter"],
    [refusals.badParameter("stream_options"), 400, "unsupported_parameter"],
    [refusals.badKey(), 401, "invalid_api_key"],
    [refusals.modelNotFound(), 404, "model_not_found"],
    [refusals.rateLimited({ "retry-after": "600" }), 429, "rate_limit_exceeded"],
    [refusals.outOfQuota(), 429, "insufficient_quota"],
    [refusals.status(529), 529, null],
  ])("refusal %#", async (behaviour, status, code) => {
    const provider = await aProvider();
    provider.script(behaviour);
    const response = await ask(provider);
    const body = (await response.json()) as { error: { code: string; message: string } };
    expect(response.status).toBe(status);
    expect(body.error.code).toBe(code);
    expect(body.error.message).toContain(CANARY);
    expect(response.headers.get("retry-after")).toBe(behaviour.headers["retry-after"] ?? null);
  });

  test("scripts are used up in order, then the rest get the usual answer", async () => {
    const provider = await aProvider({ otherwise: answer("usual") });
    provider.script(refusals.silent(503), (request) =>
      request.body.stream_options ? refusals.badParameter("stream_options") : answer("without"),
    );
    const statuses = [];
    for (const body of [{}, { stream_options: {} }, {}]) statuses.push((await ask(provider, {}, body)).status);
    expect(statuses).toEqual([503, 400, 200]);
    expect(provider.requests).toHaveLength(3);
    await provider.requests[2]!.closed;
    expect(provider.sentText(2)).toBe("usual");
  });

  test("cut in mid-stream: what was sent arrives, then the body breaks", async () => {
    const provider = await aProvider();
    provider.script(answer(["a", "b", "c"], { ending: { type: "cut", after: 2 } }));
    const reader = (await ask(provider)).body!.getReader();
    let body = "";
    await expect(
      (async () => {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return;
          body += Buffer.from(value).toString();
        }
      })(),
    ).rejects.toThrow("terminated");
    expect(body).toContain('"content":"b"');
    expect(body).not.toContain('"content":"c"');
    expect(provider.requests[0]).toMatchObject({ outcome: "cut", text: "ab" });
  });

  test("EOF without finish_reason and [DONE] is a proper end of the body", async () => {
    const provider = await aProvider();
    provider.script(answer(["a", "b"], { ending: { type: "eof", after: 1 } }));
    const body = await (await ask(provider)).text();
    expect(body).not.toContain("[DONE]");
    expect(body).not.toContain('"finish_reason":"stop"');
    expect(provider.sentText()).toBe("a");
  });

  test("an error inside a 200 stream follows the tokens before it", async () => {
    const provider = await aProvider();
    provider.script(answer(["a", "b"], { ending: { type: "error", after: 1, error: { code: "server_error" } } }));
    const body = await (await ask(provider)).text();
    expect(body.trimEnd().endsWith('data: {"error":{"code":"server_error"}}')).toBe(true);
  });

  test("cut before headers, and a port where nobody listens, reject the request", async () => {
    const provider = await aProvider();
    provider.script({ kind: "cut-before-headers" });
    await expect(ask(provider)).rejects.toThrow("fetch failed");
    expect(await provider.requests[0]!.closed).toBe("cut");
    const refused = await ask({ baseUrl: await closedBaseUrl() }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ cause: { code: "ECONNREFUSED" } });
  });

  test.each([
    { kind: "hang" } as const,
    { kind: "headers-only", commentEveryMs: undefined } as const,
    { kind: "headers-only", commentEveryMs: 5 } as const,
    answer(["a", "b"], { ending: { type: "stall", after: 1, commentEveryMs: 5 } }),
  ])("silence %# lasts until the client leaves", async (behaviour) => {
    const provider = await aProvider();
    provider.script(behaviour);
    const client = new AbortController();
    const gone = ask(provider, { signal: client.signal })
      .then((response) => response.text())
      .catch((error: unknown) => (error as Error).name);
    const request = await provider.request(0);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(request.outcome).toBeUndefined();
    client.abort();
    expect(await gone).toBe("AbortError");
    expect(await request.closed).toBe("aborted");
  });

  test("an answer that is no event stream", async () => {
    const provider = await aProvider();
    provider.script({ kind: "plain", status: 200, contentType: "text/html", body: "<html>proxy</html>" });
    const response = await ask(provider);
    expect(response.headers.get("content-type")).toBe("text/html");
    expect(await response.text()).toBe("<html>proxy</html>");
  });
});

test("the list of models is what the test says", async () => {
  const provider = await aProvider({ models: ["a", "b"] });
  const body = (await (await fetch(`${provider.baseUrl}/models`)).json()) as { data: { id: string }[] };
  expect(body.data.map(({ id }) => id)).toEqual(["a", "b"]);
  expect(provider.modelRequests).toBe(1);
});
