import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CANARY, answer, refusals } from "#tests/support/provider-behaviour.ts";
import type { AnswerBehaviour, Behaviour } from "#tests/support/provider-behaviour.ts";
import { HOOK_MS, LEDGER_OF, openFaultScene } from "./fault-scene.ts";
import type { Chat, FaultScene, Followed, LedgerRow } from "./fault-scene.ts";

const RUNS = Number(process.env["SPLIT_RUNS"] ?? 12);

/** What no test waits for stays longer than a busy machine takes; what is waited for is short. */
const SHORT_TIMERS = {
  RUN_FIRST_BYTE_TIMEOUT_MS: "1500",
  RUN_FIRST_CONTENT_TIMEOUT_MS: "1500",
  RUN_STALL_NOTICE_MS: "500",
  RUN_STALL_TIMEOUT_MS: "2000",
};

let scene: FaultScene;
beforeAll(async () => {
  scene = await openFaultScene({ env: SHORT_TIMERS });
}, HOOK_MS);
afterAll(async () => {
  await scene?.close();
});

/** Starts a run whose calls get these behaviours, one after the other. */
async function start(...script: Behaviour[]): Promise<{ chat: Chat; reader: Followed }> {
  const chat = await scene.openChat();
  scene.provider.script(...script);
  expect((await scene.put(chat)).status).toBe(201);
  return { chat, reader: scene.follow(chat.runId) };
}

/** The end as every side shows it: the API, the reader, the document, the ledger. */
async function ended({ chat, reader }: { chat: Chat; reader: Followed }) {
  await reader.ended();
  const snapshot = await scene.endOf(chat.runId);
  const { conversation } = chat.device;
  await chat.device.until(() => {
    const message = conversation.message(chat.body.messageId);
    return message?.role === "assistant" && message.run?.status === snapshot?.state;
  });
  const message = conversation.message(chat.body.messageId);
  expect([reader.status(), reader.text(), message?.text]).toEqual([snapshot?.state, snapshot?.text, snapshot?.text]);
  expect(JSON.stringify([snapshot, message])).not.toContain(CANARY);
  // The prompt is kept, however its answer ended.
  expect(conversation.message(chat.body.parentMessageId)).toMatchObject({ role: "user", text: chat.prompt });
  const ledger = scene.read<LedgerRow>(LEDGER_OF, chat.runId);
  expect(ledger.map(({ attempt }) => attempt)).toEqual(Array.from({ length: snapshot!.attempts }, (_, i) => i + 1));
  return { ...snapshot!, calls: scene.callsFor(chat.prompt), ledger };
}

describe("D1: refused with Retry-After", () => {
  test.each([
    ["429", refusals.rateLimited({ "retry-after": "1" })],
    ["503", refusals.status(503, { "retry-after": "1" })],
  ])("%s: the call is made again when the provider said, and not before", async (_, refusal) => {
    const run = await start(refusal, answer("It worked."));
    expect(await ended(run)).toMatchObject({ state: "completed", text: "It worked.", attempts: 2, calls: 2 });
    const [first, second] = scene.requestsFor(run.chat.prompt).map(({ receivedAt }) => receivedAt);
    expect(second! - first!).toBeGreaterThanOrEqual(1000);
  });

  test.each([
    ["429", refusals.rateLimited({ "retry-after": "50" })],
    ["503", refusals.status(503, { "retry-after": "50" })],
  ])("%s: a stop ends the wait at once, and nobody is called again", async (_, refusal) => {
    const run = await start(refusal);
    await expect
      .poll(() => scene.read("select 1 from usage where run_id = ?", run.chat.runId).length, { timeout: 10_000 })
      .toBe(1);
    const stopped = await scene.stop(run.chat.runId);
    expect([stopped.status, ((await stopped.json()) as { state: string }).state]).toEqual([200, "stopped"]);
    expect(await ended(run)).toMatchObject({ state: "stopped", text: "", calls: 1 });
  });
});

describe("D2: silence", () => {
  test("before the headers: given up after its time and tried once more", async () => {
    const run = await start({ kind: "hang" }, answer("Late, but here."));
    expect(await ended(run)).toMatchObject({ state: "completed", text: "Late, but here.", attempts: 2, calls: 2 });
  });

  test("before the headers, twice: failed as a timeout, and said so", async () => {
    const run = await start({ kind: "hang" }, { kind: "hang" });
    expect(await ended(run)).toMatchObject({
      state: "failed",
      failure: { code: "provider_timeout", retryable: true },
      calls: 2,
    });
  });

  test.each([
    ["silence", undefined],
    ["keep-alive comments only", 100],
  ])("in mid-stream, %s: the reader is told, the text is kept and marked", async (_, commentEveryMs) => {
    const run = await start(answer("Half an answer", { ending: { type: "stall", after: 2, commentEveryMs } }));
    await run.reader.until(() => run.reader.waitsFor() === "stall");
    const { ledger, ...end } = await ended(run);
    expect(end).toMatchObject({ state: "interrupted", text: "Half an", failure: { code: "stalled" }, calls: 1 });
    expect(ledger).toMatchObject([{ source: "estimated", outcome: "interrupted", output_tokens: 2 }]);
    expect(await scene.provider.requests.at(-1)!.closed).toBe("aborted");
  });
});

describe("D3: an answer that only looks whole", () => {
  const error = { code: "server_error", message: CANARY };
  test.each<[string, AnswerBehaviour, string]>([
    [
      "the end of the body without [DONE]",
      answer("Half an answer", { ending: { type: "eof", after: 2 } }),
      "provider_cut",
    ],
    ["a connection cut", answer("Half an answer", { ending: { type: "cut", after: 2 } }), "provider_cut"],
    [
      "an error inside a 200",
      answer("Half an answer", { ending: { type: "error", after: 2, error } }),
      "provider_unavailable",
    ],
  ])("%s: never shown as complete, and can be carried on", async (_, behaviour, code) => {
    const run = await start(behaviour);
    expect(await ended(run)).toMatchObject({ state: "interrupted", text: "Half an", failure: { code }, calls: 1 });
    scene.provider.script(answer(" answer"));
    const [runId, messageId] = [scene.newId(), scene.newId()];
    const body = { ...run.chat.body, messageId, continues: run.chat.runId };
    const next = { ...run.chat, runId, body };
    expect((await scene.put(next)).status).toBe(201);
    expect(await scene.endOf(runId)).toMatchObject({ state: "completed", text: "Half an answer" });
  });
});

describe("D4: however the bytes are cut", () => {
  const TOKENS = ["Grüße, ", "世界 ", "👩‍👩‍👧 ", "e\u0301 ", "\u2028 ", '"\\n" ', "data: [DONE]\n\n", "\r\n", "🎉"];
  const GIANT = "g".repeat(1000 * 1000);
  const odd = fc.constantFrom(
    "data: {not json\n\n",
    "data: {}\n\n",
    "data: null\n\n",
    ": a comment\n\n",
    "event: ping\ndata: {}\n\n",
    "id: 7\nretry: 5\n\n",
    'data: {"choices":[]}\n\n',
  );
  const scripts = fc.record({
    tokens: fc.array(fc.constantFrom(...TOKENS), { minLength: 1, maxLength: 30 }),
    newline: fc.constantFrom("\n" as const, "\r\n" as const, "\r" as const),
    commentEvery: fc.integer({ min: 0, max: 3 }),
    inserts: fc.array(fc.record({ before: fc.nat(29), raw: odd }), { maxLength: 5 }),
    cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 }),
    giant: fc.boolean(),
  });

  test(
    `the same text for ${RUNS} bodies and ways to cut them: UTF-8, CRLF, comments, bad lines, a chunk of 1 MB`,
    { timeout: 60_000 + RUNS * 5000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(scripts, async ({ tokens, cuts, giant, ...rest }) => {
          const all = giant ? [...tokens, GIANT, "!"] : tokens;
          const split = (body: Uint8Array): number[] =>
            [...new Set(cuts.map((at) => 1 + Math.floor(at * (body.length - 2))))].toSorted((a, b) => a - b);
          const end = await ended(await start(answer(all, { ...rest, split })));
          expect(end).toMatchObject({ state: "completed", calls: 1 });
          expect(end.text === all.join("")).toBe(true);
        }),
        { numRuns: RUNS, seed: scene.seed },
      );
    },
  );
});

/** lines of the provider that were skipped so far */
async function skipped(): Promise<number> {
  const metrics = await (await fetch(`${scene.server.url}/metrics`)).text();
  return Number(/^holdfast_provider_skipped_lines_total\{provider="openai"\} (\d+)$/mu.exec(metrics)?.[1] ?? 0);
}

test("D4: a line that cannot be read is left out, and counted", async () => {
  const before = await skipped();
  const inserts = ["data: {not json\n\n", "data: null\n\n", ": a comment\n\n"].map((raw) => ({ before: 1, raw }));
  const end = await ended(await start(answer("All of it.", { inserts })));
  expect(end).toMatchObject({ state: "completed", text: "All of it.", calls: 1 });
  expect((await skipped()) - before).toBe(2);
});

describe("D5: what the provider counted cannot be true", () => {
  test.each(["missing", "null", "absurd"] as const)("usage %s: estimated, and marked so", async (usage) => {
    const { ledger, ...end } = await ended(await start(answer("Some text", { usage })));
    expect(end.usage).toMatchObject({ source: "estimated", outputTokens: 2 });
    expect(ledger).toMatchObject([{ source: "estimated", outcome: "completed", output_tokens: 2 }]);
  });
});

test("row 31: no word of a provider's errors reached the log", () => {
  expect(scene.server.output()).toContain("a call failed");
  expect(scene.server.output()).not.toContain(CANARY);
});
