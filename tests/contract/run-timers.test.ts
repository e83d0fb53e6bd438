import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { answer } from "#tests/support/provider-behaviour.ts";
import type { Behaviour } from "#tests/support/provider-behaviour.ts";
import { openScriptedProvider } from "#tests/support/scripted-provider.ts";
import type { ScriptedProvider } from "#tests/support/scripted-provider.ts";
import { parseConfig } from "#server/config/config.ts";
import { RUN_TIMERS, createRunTimers } from "#server/runs/run-timers.ts";
import { openHarness } from "./run-harness.ts";

let provider: ScriptedProvider;
beforeEach(async () => {
  provider = await openScriptedProvider();
});
afterEach(() => provider.close());

function timeoutsOf(environment: Record<string, string>) {
  const config = parseConfig(environment);
  if (!config.ok) throw new Error(config.failure.join());
  return config.value.runTimeouts;
}

/** Runs once with variables set as an operator would; answers how it ended and what its reader was told. */
async function runWith(environment: Record<string, string>, behaviour: Behaviour, local = false) {
  provider.scriptOtherwise(behaviour);
  const timeouts = timeoutsOf(environment);
  const { connectMs } = timeouts;
  const models = [{ id: "scripted-1" }];
  const configured = [{ id: "own", name: "Own", baseUrl: provider.baseUrl, apiKey: undefined, local, models }];
  const relay = await openHarness({ configured, connectMs, timers: createRunTimers(timeouts) });
  const id = await relay.start({ ...(await relay.prompt()), model: "own/scripted-1" });
  const snapshot = await relay.finished(id);
  const events = await relay.events(id);
  await relay.close();
  return { ...snapshot, events };
}

test("with nothing set the timers are the standard ones", () => {
  expect(createRunTimers(timeoutsOf({}))).toEqual(RUN_TIMERS);
});

const SILENT = { kind: "hang" } as const;
const HEADERS = { kind: "headers-only", commentEveryMs: undefined } as const;
const STALLED = answer("Half an answer", { ending: { type: "stall", after: 2 } });

test.each([
  ["RUN_FIRST_BYTE_TIMEOUT_MS", SILENT, { state: "failed", failure: { code: "provider_timeout" } }],
  ["RUN_FIRST_CONTENT_TIMEOUT_MS", HEADERS, { state: "failed", failure: { code: "stalled" } }],
  ["RUN_STALL_TIMEOUT_MS", STALLED, { state: "interrupted", text: "Half an", failure: { code: "stalled" } }],
  ["RUN_TOTAL_TIMEOUT_MS", STALLED, { state: "interrupted", failure: { code: "provider_timeout" } }],
])("%s has effect", async (name, behaviour, ending) => {
  expect(await runWith({ [name]: "200" }, behaviour)).toMatchObject(ending);
});

test("RUN_FIRST_BYTE_TIMEOUT_MS has effect on local models, five times as long", async () => {
  const startedAt = performance.now();
  expect(await runWith({ RUN_FIRST_BYTE_TIMEOUT_MS: "60" }, SILENT, true)).toMatchObject({ state: "failed" });
  expect(performance.now() - startedAt).toBeGreaterThan(2 * 5 * 60);
});

test("RUN_STALL_NOTICE_MS has effect", async () => {
  provider.scriptOtherwise(STALLED);
  const timers = createRunTimers(timeoutsOf({ RUN_STALL_NOTICE_MS: "50" }));
  const relay = await openHarness({ baseUrl: provider.baseUrl, timers });
  const id = await relay.start(await relay.prompt());
  const response = await relay.request(`/api/runs/${id}/events`);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("event: stall")) text += (await reader.read()).value ?? "";
  expect(text).toContain('"ms":50');
  await relay.stop(id);
  await relay.close();
});

test("RUN_CONNECT_TIMEOUT_MS has effect: a TLS handshake nobody answers is given up", async () => {
  const silent = createServer(() => undefined);
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { connectMs } = timeoutsOf({ RUN_CONNECT_TIMEOUT_MS: "150" });
  const baseUrl = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/v1`;
  const relay = await openHarness({ baseUrl, connectMs });
  expect(await relay.finished(await relay.start(await relay.prompt()))).toMatchObject({
    state: "failed",
    attempts: 3,
    failure: { code: "provider_unreachable" },
  });
  await relay.close();
  silent.close();
});
