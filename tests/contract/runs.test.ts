import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { allTables } from "#tests/support/all-tables.ts";
import { answer, splits } from "#tests/support/provider-behaviour.ts";
import { openScriptedProvider } from "#tests/support/scripted-provider.ts";
import type { ScriptedProvider } from "#tests/support/scripted-provider.ts";
import type { Database } from "#server/storage/database.ts";
import { CONTINUE_INSTRUCTION } from "#shared/domain/prompt.ts";
import { applyEvents, newId, openHarness, readEvents } from "./run-harness.ts";
import type { Harness } from "./run-harness.ts";

let provider: ScriptedProvider;
let relay: Harness;
beforeEach(async () => {
  provider = await openScriptedProvider();
  relay = await openHarness({ baseUrl: provider.baseUrl });
});
afterEach(async () => {
  await relay.close();
  await provider.close();
});

const SSE = { accept: "text/event-stream" };

test("P3: twenty identical starts at once make one call and one run", async () => {
  const body = await relay.prompt();
  const id = newId();
  const before = provider.requests.length;
  const answers = await Promise.all(Array.from({ length: 20 }, () => relay.put(id, body)));
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([...Array<number>(19).fill(200), 201]);
  await relay.finished(id);
  expect((await relay.put(id, body)).status).toBe(200);
  expect(provider.requests.length - before).toBe(1);
  expect(await relay.usage(id)).toHaveLength(1);
});

test("the same id with another body, and a second run for one message, are refused", async () => {
  provider.script(answer("slow", { pace: "gated" }));
  const body = await relay.prompt();
  const id = await relay.start(body);
  expect(await (await relay.put(id, { ...body, model: "openai/other" })).json()).toMatchObject({
    code: "run_id_reused",
  });
  const second = await relay.put(newId(), body);
  expect(second.status).toBe(409);
  expect(await second.json()).toMatchObject({ code: "message_busy", runId: id });
  await relay.stop(id);
});

test("a message that an ended run wrote is never written again, and waiting for it is no use", async () => {
  const body = await relay.prompt();
  await relay.finished(await relay.start(body));
  const second = await relay.put(newId(), body);
  expect(second.status).toBe(409);
  expect(await second.json()).toMatchObject({ code: "message_written" });
});

test("row 5: a stranger finds no run: not to start, read, follow or stop", async () => {
  const body = await relay.prompt();
  const id = await relay.start(body);
  await relay.finished(id);
  expect((await relay.put(id, body, {}, "eve")).status).toBe(404);
  for (const path of ["", "/events", "/events?after=1", "/events?wait=1"])
    expect((await relay.request(`/api/runs/${id}${path}`, {}, "eve")).status).toBe(404);
  expect((await relay.stop(id, "eve")).status).toBe(404);
  for (const path of ["x", "%2e%2e", id.toUpperCase()])
    expect((await relay.request(`/api/runs/${path}`)).status).toBe(404);
});

test("a prompt that did not arrive, and one of somebody else, look the same", async () => {
  const body = await relay.prompt();
  const unknown = await relay.put(newId(), { ...body, parentMessageId: newId() });
  const foreign = await relay.put(newId(), body, {}, "eve");
  expect([unknown.status, foreign.status]).toEqual([404, 404]);
  expect(await foreign.json()).toEqual(await unknown.json());
});

test("a stop that arrives first keeps the run from ever starting", async () => {
  const body = await relay.prompt();
  const id = newId();
  const before = provider.requests.length;
  expect(await (await relay.stop(id)).json()).toMatchObject({ state: "stopped" });
  const late = await relay.put(id, body);
  expect(late.status).toBe(200);
  expect(await late.json()).toMatchObject({ state: "stopped", messageId: body.messageId, text: "" });
  expect(provider.requests.length).toBe(before);
  expect((await relay.events(id)).map(({ type }) => type)).toEqual(["end"]);
});

test("stop aborts at the provider, keeps the text, books an estimate, and may be repeated", async () => {
  provider.script(answer("one two three four", { pace: "gated" }));
  const at = provider.requests.length;
  const body = await relay.prompt();
  const id = await relay.start(body);
  await provider.release(2, at);
  await expect.poll(async () => (await relay.snapshot(id)).text).toBe("one two");
  expect(await (await relay.stop(id)).json()).toMatchObject({ state: "stopped", text: "one two" });
  expect(await provider.requests[at]!.closed).toBe("aborted");
  expect((await relay.stop(id)).status).toBe(200);
  expect(await relay.message(body)).toMatchObject({ text: "one two", run: { status: "stopped" } });
  expect(await relay.usage(id)).toMatchObject([{ source: "estimated", outcome: "stopped", output_tokens: 2 }]);
});

test("P2: a reader who goes away at any event and comes back has the same text", async () => {
  const text = `${"word and 🙂 ".repeat(60)}end`;
  provider.script(answer(text, { reasoning: ["hmm ", "so"], pace: { everyMs: 2 }, split: splits.insideCharacters }));
  const id = await relay.start(await relay.prompt());
  const live = await relay.events(id);
  expect(applyEvents(live)).toEqual({ t: text, r: "hmm so" });
  const frames = live.filter(({ seq }) => seq !== undefined);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: frames.length }), async (cut) => {
      const seen = frames.slice(0, cut);
      const before = applyEvents(seen.filter(({ type }) => type !== "end"));
      const rest = await relay.events(id, seen.at(-1)?.seq ?? 0);
      expect(rest.length === 0).toBe(seen.at(-1)?.type === "end");
      expect(applyEvents(rest, before.t, before.r)).toEqual({ t: text, r: "hmm so" });
    }),
    { numRuns: 30 },
  );
  const response = await relay.request(`/api/runs/${id}/events?after=0`, {
    headers: { "last-event-id": String(frames.at(-1)!.seq) },
  });
  expect(response.status).toBe(204);
});

test("a start that accepts an event stream is followed in the same answer", async () => {
  const response = await relay.put(newId(), await relay.prompt(), SSE);
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  expect(response.headers.get("cache-control")).toContain("no-transform");
  expect(applyEvents(await readEvents(response)).t).toBe("This is a scripted answer.");
});

test("long-poll readers get the same events", async () => {
  const id = await relay.start(await relay.prompt());
  await relay.finished(id);
  const polled = await (await relay.request(`/api/runs/${id}/events?wait=5`)).json();
  expect(polled).toMatchObject({ state: "completed" });
  expect(applyEvents((polled as { events: never[] }).events).t).toBe("This is a scripted answer.");
});

test("a reader far behind gets one snapshot instead of the frames", async () => {
  const text = "0123456789".repeat(30_000);
  provider.script(answer(text.match(/.{1,1000}/gu)!));
  const id = await relay.start(await relay.prompt());
  await relay.finished(id);
  const events = await relay.events(id);
  expect(events.map(({ type }) => type)).toEqual(["snap", "end"]);
  expect(applyEvents(events).t).toBe(text);
});

test("a run that carries on an earlier one shows one message with the whole text", async () => {
  provider.script(answer("The first half", { ending: { type: "cut", after: 3 } }), answer(" and the second."));
  const body = await relay.prompt();
  const first = await relay.start(body);
  const kept = (await relay.finished(first)).text;
  await expect
    .poll(
      async () =>
        (
          await allTables(relay.database)
            .selectFrom("run")
            .select("committed")
            .where("id", "=", first)
            .executeTakeFirst()
        )?.committed,
    )
    .toBe(1);
  const next = { ...body, messageId: newId(), continues: first };
  const second = await relay.start(next);
  expect(applyEvents(await relay.events(second)).t).toBe(`${kept} and the second.`);
  await relay.finished(second);
  expect(await relay.message(next)).toMatchObject({ text: `${kept} and the second.`, run: { status: "completed" } });
  expect(await relay.message(body)).toMatchObject({ text: kept });
  expect(provider.requests.at(-1)!.body.messages.slice(-2)).toEqual([
    { role: "assistant", content: kept },
    { role: "user", content: CONTINUE_INSTRUCTION },
  ]);
});

test("the prompt is the server's own copy: system prompt, then the turns", async () => {
  const id = await relay.start(await relay.prompt("What?", "ada", "Be brief."));
  await relay.finished(id);
  expect(provider.requests.at(-1)!.body.messages).toEqual([
    { role: "system", content: "Be brief." },
    { role: "user", content: "What?" },
  ]);
});

test("row 19: without a key of its own a base URL is called without one", async () => {
  await relay.finished(await relay.start(await relay.prompt()));
  expect(provider.requests.at(-1)!.headers).not.toHaveProperty("authorization");
});

test("B2: a drain refuses new runs, lets short ones finish, interrupts the rest, and loses no text", async () => {
  provider.script(answer("one two three", { pace: "gated" }));
  const at = provider.requests.length;
  const body = await relay.prompt();
  const id = await relay.start(body);
  await provider.release(2, at);
  await expect.poll(async () => (await relay.snapshot(id)).text).toBe("one two");
  const drained = relay.runs.drain(150);
  const refused = await relay.put(newId(), await relay.prompt());
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
  expect((await relay.put(id, body)).status).toBe(200);
  await drained;
  expect(await relay.message(body)).toMatchObject({
    text: "one two",
    run: { status: "interrupted", failure: { code: "deploy" } },
  });
});

test("I1: a process that dies keeps every logged word, and each call is booked once", async () => {
  provider.script(answer("one two three", { pace: "gated" }));
  const at = provider.requests.length;
  const dead = { yet: false };
  const wrap = (database: Database): Database => ({
    ...database,
    commit: (statements) => (dead.yet ? new Promise(() => undefined) : database.commit(statements)),
  });
  const dying = await openHarness({ baseUrl: provider.baseUrl, wrap, timers: { checkpoint: 60_000 } });
  const body = await dying.prompt();
  const id = await dying.start(body);
  await provider.release(2, at);
  await expect.poll(async () => (await dying.snapshot(id)).text).toBe("one two");
  dead.yet = true;
  const { file } = dying;
  await dying.crash();

  const reborn = await openHarness({ baseUrl: provider.baseUrl, file });
  expect(await reborn.runs.recover()).toBe(1);
  expect(await reborn.message(body)).toMatchObject({
    text: "one two",
    run: { status: "interrupted", failure: { code: "server_restarted" } },
  });
  expect(await reborn.usage(id)).toMatchObject([{ attempt: 1, source: "estimated", outcome: "interrupted" }]);
  expect(applyEvents(await reborn.events(id)).t).toBe("one two");
  expect(await reborn.runs.recover()).toBe(0);
  await reborn.close();
  await dying.close();
});

test("frames are deleted after their time; the document has the text, the log is gone", async () => {
  const short = await openHarness({ baseUrl: provider.baseUrl, timers: { keepFrames: -1000 } });
  const body = await short.prompt();
  const id = await short.start(body);
  const { seq } = await short.finished(id);
  await expect
    .poll(async () => {
      await short.runs.sweep();
      return (await short.request(`/api/runs/${id}/events`)).status;
    })
    .toBe(410);
  expect((await short.request(`/api/runs/${id}/events?after=${seq}`)).status).toBe(204);
  expect((await short.snapshot(id)).text).toBe("This is a scripted answer.");
  await short.close();
});

test("with no model connected the built-in guide answers, and says what it is", async () => {
  const bare = await openHarness();
  expect(await (await bare.request("/api/models")).json()).toMatchObject({ defaultModel: "holdfast/guide" });
  const id = await bare.start({ ...(await bare.prompt("hello")), model: "holdfast/guide" });
  const { text, state, usage } = await bare.finished(id);
  expect(state).toBe("completed");
  expect(text.split("\n")[0]).toContain("not a language model");
  expect(usage).toMatchObject({ source: "estimated", costMicroUsd: 0 });
  expect((await bare.put(newId(), { ...(await bare.prompt()), model: "nobody/none" })).status).toBe(422);
  await bare.close();
});
