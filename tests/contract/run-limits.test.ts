import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { allTables } from "#tests/support/all-tables.ts";
import { answer, refusals } from "#tests/support/provider-behaviour.ts";
import type { Behaviour } from "#tests/support/provider-behaviour.ts";
import { deferred } from "#tests/support/waiting.ts";
import { systemClock } from "#server/runs/clock.ts";
import type { ProviderPart, Providers } from "#server/runs/provider.ts";
import { createRunRow } from "#server/runs/run-rows.ts";
import { insertRun } from "#server/runs/run-store.ts";
import { RUN_LIMITS } from "#server/runs/run-timers.ts";
import type { Database } from "#server/storage/database.ts";
import { SHORT, newId, readEvents, relayPerTest } from "./run-harness.ts";
import type { Harness, HarnessOptions } from "./run-harness.ts";
import { principalOf } from "#tests/support/principals.ts";

const scene = relayPerTest();
const { openRelay } = scene;

async function* callForEver(): AsyncIterable<readonly ProviderPart[]> {
  yield [{ type: "open" }, { type: "text", text: "Half" }];
  await new Promise(() => undefined);
}

/** Providers whose calls write one word, never end, and do not hear that they are aborted. */
const hearsNothing = (providers: Providers): Providers => ({
  ...providers,
  async find(id) {
    const served = await providers.find(id);
    return served && { ...served, provider: { ...served.provider, call: callForEver } };
  },
});

const pieces = (count: number, length: number): string[] => Array.from({ length: count }, () => "x".repeat(length));

/** A database whose commits wait while `held`. */
function holdable(): { held: { until: Promise<void> | undefined }; wrap: (database: Database) => Database } {
  const held: { until: Promise<void> | undefined } = { until: undefined };
  const wrap = (database: Database): Database => ({
    ...database,
    commit: async (statements) => {
      await held.until;
      return database.commit(statements);
    },
  });
  return { held, wrap };
}

/** Starts a run, and lets no commit through until its provider has lost the connection. */
async function runWhileStuck(behaviour: Behaviour, timers: HarnessOptions["timers"]) {
  const { held, wrap } = holdable();
  const relay = await openRelay({ wrap, timers: { ...timers } });
  scene.provider.script(behaviour);
  const id = await relay.start(await relay.prompt());
  const { closed } = await scene.provider.request(0);
  const free = deferred();
  held.until = free.promise;
  expect(await closed).toBe("aborted");
  expect((await relay.snapshot(id)).text).toBe("");
  held.until = undefined;
  free.resolve();
  return relay.finished(id);
}

test("E3: a log that cannot be written stops the reading at 1 MiB, and after 10 s the run; what was read is kept", async () => {
  const ending = { type: "stall", after: 2999 } as const;
  const { state, failure, text } = await runWhileStuck(answer(pieces(3000, 4000), { headersAfterMs: 150, ending }), {
    logWait: 400,
  });
  expect([state, failure?.code]).toEqual(["interrupted", "log_unavailable"]);
  expect(text.length).toBeGreaterThan(RUN_LIMITS.unwritten - 64 * 1024);
  expect(text.length).toBeLessThan(RUN_LIMITS.unwritten + 256 * 1024);
});

test("E3: a provider that floods meanwhile is left at once, and what it said by then is kept", async () => {
  const comment = { before: 300, raw: `: ${"c".repeat(64 * 1024)}\n\n` };
  const inserts = Array.from({ length: 400 }, () => comment);
  const flood = answer(pieces(301, 4000), { headersAfterMs: 150, inserts });
  const { state, failure, text } = await runWhileStuck(flood, { logWait: 600_000 });
  expect([state, failure?.code]).toEqual(["interrupted", "log_unavailable"]);
  expect(text.length).toBe(300 * 4000);
});

test("an answer longer than 2 MiB is cut off there, and its text is kept", async () => {
  const relay = await openRelay();
  scene.provider.script(answer(pieces(300, 8000)));
  const body = await relay.prompt();
  const { state, failure, text } = await relay.finished(await relay.start(body));
  expect([state, failure?.code]).toEqual(["interrupted", "output_too_long"]);
  expect(text.length).toBe(Math.floor(RUN_LIMITS.text / 8000) * 8000);
  expect((await relay.message(body))?.text).toBe(text);
});

const line = (delta: object): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`;

test(
  "an answer in more pieces than a log may have is cut off there, and what was said is kept",
  { timeout: 60_000 },
  async () => {
    const relay = await openRelay();
    // Each piece after one of the other kind is a frame of its own.
    const raw = (line({ reasoning_content: "r" }) + line({ content: "t" })).repeat(RUN_LIMITS.frames * 0.6);
    scene.provider.script(answer(["Begin ", "end"], { inserts: [{ before: 1, raw }] }));
    const { state, failure, text, seq } = await relay.finished(await relay.start(await relay.prompt()));
    expect([state, failure?.code]).toEqual(["interrupted", "output_too_long"]);
    expect(text.length).toBeGreaterThan(RUN_LIMITS.frames * 0.49);
    expect(seq).toBeLessThan(RUN_LIMITS.frames * 1.01);
  },
);

test("a stop is through after 5 s, also when the provider's side never ends", async () => {
  const relay = await openRelay({ wrapProviders: hearsNothing, timers: { stopForced: 100 } });
  const body = await relay.prompt();
  const id = await relay.start(body);
  await expect.poll(async () => (await relay.snapshot(id)).text).toBe("Half");
  expect(await (await relay.stop(id)).json()).toMatchObject({ state: "stopped", text: "Half" });
  expect(await relay.message(body)).toMatchObject({ text: "Half", run: { status: "stopped" } });
});

test("a run that found no free place in time fails as overloaded and calls nobody", async () => {
  const models = [{ id: "scripted-1" }];
  const configured = [
    { id: "own", name: "Own", baseUrl: scene.provider.baseUrl, apiKey: undefined, concurrency: 1, models },
  ];
  const relay = await openRelay({ configured, timers: { queueWait: 100 } });
  scene.provider.script(answer("one", { pace: "gated" }));
  const model = "own/scripted-1";
  const first = await relay.start({ ...(await relay.prompt()), model });
  await scene.provider.request(0);
  const second = await relay.start({ ...(await relay.prompt()), model });
  expect(await relay.finished(second)).toMatchObject({
    state: "failed",
    failure: { code: "overloaded", retryable: true },
  });
  expect(await relay.usage(second)).toEqual([]);
  expect(scene.provider.requests).toHaveLength(1);
  await relay.stop(first);
});

test("the 65th follower of a run is sent away for a while", async () => {
  const relay = await openRelay();
  scene.provider.script(answer("one", { pace: "gated" }));
  const id = await relay.start(await relay.prompt());
  const all = await Promise.all(
    Array.from({ length: RUN_LIMITS.followersPerRun }, () => relay.request(`/api/runs/${id}/events`)),
  );
  expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
  const late = await relay.request(`/api/runs/${id}/events`);
  expect([late.status, late.headers.get("retry-after")]).toEqual([429, "5"]);
  expect(await late.json()).toMatchObject({ code: "too_many_followers" });
  await all[0]!.body!.cancel();
  await expect
    .poll(async () => {
      const again = await relay.request(`/api/runs/${id}/events`);
      await again.body!.cancel();
      return again.status;
    })
    .toBe(200);
  await relay.stop(id);
  await Promise.all(all.slice(1).map((response) => response.text()));
});

/** Asks for the events of a run and reads nothing but the headers of the answer. */
async function stall(relay: Harness, id: string): Promise<IncomingMessage> {
  const request = httpRequest(`${relay.origin}/api/runs/${id}/events`, { agent: false });
  request.on("error", () => undefined).end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response.pause().on("error", () => undefined);
}

test("readers who come for a run that is over share it, and the 65th is sent away", async () => {
  const relay = await openRelay();
  // 12 MB of events: 64 copies would be more than the process may hold, and one is more than a connection takes.
  scene.provider.script(answer(Array.from({ length: 2000 }, () => "\u0001".repeat(1000))));
  const id = await relay.start(await relay.prompt());
  await relay.finished(id);
  const half = RUN_LIMITS.followersPerRun / 2;
  // Half of them at the same moment, the others one after the other.
  const stalled = await Promise.all(Array.from({ length: half }, () => stall(relay, id)));
  for (let i = 0; i < half; i++) stalled.push(await stall(relay, id));
  expect(new Set(stalled.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
  expect((await relay.request(`/api/runs/${id}/events`)).status).toBe(429);
  expect((await relay.request(`/api/runs/${id}/events?wait=1`)).status).toBe(429);
  stalled[0]!.destroy();
  await expect.poll(() => relay.runs.followers()).toBe(RUN_LIMITS.followersPerRun - 1);
  stalled[0] = await stall(relay, id);
  expect(stalled[0].statusCode).toBe(200);
  for (const response of stalled) response.destroy();
  await expect.poll(() => relay.runs.followers()).toBe(0);
  expect((await relay.request(`/api/runs/${id}/events`)).status).toBe(200);
});

test("D6: a reader who takes nothing holds bounded memory, slows nobody, and is dropped after 30 s", async () => {
  const relay = await openRelay({ timers: { followerBlocked: 2_000 } });
  // A control character takes six bytes on the wire: 12 MB are more than the system's own buffers take.
  const tokens = Array.from({ length: 2000 }, () => "\u0001".repeat(1000));
  scene.provider.script(answer(tokens));
  const id = newId();
  const stalled = httpRequest(`${relay.origin}/api/runs/${id}`, {
    method: "PUT",
    headers: { accept: "text/event-stream", "content-type": "application/json" },
  });
  stalled.on("response", (response) => response.pause().on("error", () => undefined)).on("error", () => undefined);
  stalled.end(JSON.stringify(await relay.prompt()));
  await expect.poll(() => relay.responses.find(({ headersSent }) => headersSent)).toBeDefined();
  const [ours] = relay.responses;
  let most = 0;
  const write = ours!.write.bind(ours!) as (text: string) => boolean;
  ours!.write = ((text: string) => {
    const flowing = write(text);
    most = Math.max(most, ours!.writableLength);
    return flowing;
  }) as ServerResponse["write"];
  const { state, text } = await relay.finished(id);
  expect([state, text.length]).toEqual(["completed", 2_000_000]);
  expect(scene.provider.requests[0]!.outcome).toBe("answered");
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(RUN_LIMITS.socketBytes + 200 * 1024);
  await expect.poll(() => ours?.destroyed).toBe(true);
  stalled.destroy();
});

test("D7: the breaker opens after five failures, and one call after 15 s closes it again", async () => {
  let ahead = 0;
  const relay = await openRelay({ clock: { now: () => Date.now() + ahead, after: systemClock.after } });
  scene.provider.scriptOtherwise(refusals.status(500));
  const runOnce = async () => relay.finished(await relay.start(await relay.prompt()));
  expect(await runOnce()).toMatchObject({ state: "failed", attempts: 4 });
  expect(await runOnce()).toMatchObject({ state: "failed", failure: { code: "provider_unavailable" } });
  expect(scene.provider.requests).toHaveLength(5);
  expect(await runOnce()).toMatchObject({ state: "failed", attempts: 1 });
  expect(scene.provider.requests).toHaveLength(5);
  scene.provider.scriptOtherwise(answer("Well again."));
  ahead = 15_000;
  expect(await runOnce()).toMatchObject({ state: "completed" });
  expect(await runOnce()).toMatchObject({ state: "completed" });
});

test("a provider that sends nothing but keep-alives is given up", async () => {
  const relay = await openRelay({ timers: SHORT });
  scene.provider.scriptOtherwise({ kind: "headers-only", commentEveryMs: 20 });
  const id = await relay.start(await relay.prompt());
  expect(await relay.finished(id)).toMatchObject({ state: "failed", attempts: 2, failure: { code: "stalled" } });
});

test("B2: a drain tells followers to come back, and they find the rest", async () => {
  const relay = await openRelay();
  scene.provider.script(answer("one two", { pace: "gated" }));
  const id = await relay.start(await relay.prompt());
  const followed = await relay.request(`/api/runs/${id}/events`);
  await scene.provider.release(1);
  const drained = relay.runs.drain(5000);
  const events = await readEvents(followed);
  expect(events.at(-1)).toMatchObject({ type: "bye", reason: "deploy" });
  const rest = relay.events(id, events.findLast(({ seq }) => seq !== undefined)?.seq ?? 0);
  await scene.provider.release(2);
  expect((await rest).at(-1)).toMatchObject({ type: "end", state: "completed" });
  await drained;
});

test("I2: a crash between the row and the placeholder ends as a visible, interrupted answer", async () => {
  const relay = await openRelay();
  const body = await relay.prompt();
  const id = newId();
  const principal = principalOf("ada");
  const row = createRunRow(principal, id as never, body, Date.now(), 0);
  await relay.database.commit([insertRun(relay.database, row)]);
  expect(await relay.message(body)).toBeUndefined();
  expect(await relay.runs.recover()).toBe(1);
  expect(await relay.message(body)).toMatchObject({
    text: "",
    run: { status: "interrupted", failure: { code: "server_restarted" } },
  });
  expect(await relay.usage(id)).toEqual([]);
  expect((await relay.put(id, body)).status).toBe(200);
  expect(scene.provider.requests).toHaveLength(0);
});

test("I3: a writer whose lease was taken over writes no further word and leaves its provider", async () => {
  const relay = await openRelay();
  scene.provider.script(answer("one two three", { pace: "gated" }));
  const body = await relay.prompt();
  const id = await relay.start(body);
  await scene.provider.release(1);
  await expect.poll(async () => (await relay.snapshot(id)).text).toBe("one");
  await allTables(relay.database).updateTable("run").set({ lease_epoch: 99 }).where("id", "=", id).execute();
  await scene.provider.release(1);
  expect(await scene.provider.requests[0]!.closed).toBe("aborted");
  await expect.poll(() => relay.runs.live).toBe(0);
  expect(relay.logged.join("")).toContain("another writer has taken over this run");
  expect(await relay.runs.recover()).toBe(1);
  expect(await relay.snapshot(id)).toMatchObject({ state: "interrupted", text: "one" });
  expect(await relay.usage(id)).toMatchObject([{ attempt: 1, outcome: "interrupted" }]);
});
