import { afterAll, beforeAll, expect, test } from "vitest";
import { CANARY, answer, refusals } from "#tests/support/provider-behaviour.ts";
import type { Behaviour, RefusalBehaviour } from "#tests/support/provider-behaviour.ts";
import { openScriptedProvider } from "#tests/support/scripted-provider.ts";
import type { ScriptedProvider } from "#tests/support/scripted-provider.ts";
import { SHORT, openHarness } from "./run-harness.ts";

let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await openScriptedProvider();
});
afterAll(() => provider.close());

const inEveryField = (status: number): RefusalBehaviour => ({
  kind: "refusal",
  status,
  headers: { "x-request-id": CANARY, "retry-after": CANARY },
  error: { message: CANARY, type: CANARY, code: CANARY, param: CANARY },
});
const inTheStream = (error: Record<string, unknown>, after = 1): Behaviour =>
  answer("Half an answer", { ending: { type: "error", after, error } });

const FLOWS: readonly [name: string, behaviour: Behaviour][] = [
  ...Object.entries(refusals).map(([name, make]): [string, Behaviour] => [
    name,
    name === "status"
      ? refusals.status(500)
      : name === "silent"
        ? refusals.silent(502)
        : (make as (p: never) => RefusalBehaviour)("temperature" as never),
  ]),
  ...[302, 400, 401, 404, 429, 500].map((status): [string, Behaviour] => [
    `${status}, in every field`,
    inEveryField(status),
  ]),
  ["an HTML page", { kind: "plain", status: 200, contentType: `text/html; ${CANARY}`, body: CANARY }],
  ["an HTML page of a refusal", { kind: "plain", status: 503, contentType: "text/html", body: CANARY }],
  ["an error in the stream", inTheStream({ code: "server_error", message: CANARY })],
  [
    "an error in the stream, in every field",
    inTheStream({ code: CANARY, type: CANARY, message: CANARY, param: CANARY }, 0),
  ],
  ["an error that is text", inTheStream({ message: { nested: CANARY } })],
  ["unreadable lines", answer("x", { inserts: [{ before: 0, raw: `data: {"${CANARY}\n\n`.repeat(40) }] })],
];

test("row 31: no word of a prompt, a key, an answer or a provider's error reaches the log, at any level", async () => {
  // A provider for each, so that one's circuit breaker does not keep the next from being asked.
  const configured = FLOWS.map((_, i) => ({
    id: `p${i}`,
    name: `p${i}`,
    baseUrl: provider.baseUrl,
    apiKey: "sk-CANARY-KEY",
    models: [{ id: "scripted-1" }],
  }));
  const relay = await openHarness({ configured, timers: SHORT });
  for (const [i, [name, behaviour]] of FLOWS.entries()) {
    provider.scriptOtherwise(behaviour);
    const from = relay.logged.length;
    const id = await relay.start({
      ...(await relay.prompt("CANARY-PROMPT", "ada", "CANARY-SYSTEM")),
      model: `p${i}/scripted-1`,
    });
    const { state } = await relay.finished(id);
    expect([name, state]).toEqual([name, expect.stringMatching(/failed|interrupted/u)]);
    const lines = relay.logged.slice(from).join("");
    expect(lines).toContain(id);
    for (const secret of [CANARY, "CANARY", "Half", "sk-abc"])
      expect([name, lines]).not.toEqual([name, expect.stringContaining(secret)]);
  }
  await relay.close();
  expect(relay.logged.join("")).toMatch(/"said":"(insufficient_quota|rate_limit_exceeded)"/u);
});
