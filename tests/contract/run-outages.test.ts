import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { answer, refusals } from "#tests/support/provider-behaviour.ts";
import { deferred } from "#tests/support/waiting.ts";
import { systemClock } from "#server/runs/clock.ts";
import type { Clock } from "#server/runs/clock.ts";
import { createRunRow } from "#server/runs/run-rows.ts";
import { insertRun } from "#server/runs/run-store.ts";
import { RoomsCrowded } from "#server/rooms/rooms.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import { newId, relayPerTest } from "./run-harness.ts";
import { principalOf } from "#tests/support/principals.ts";

const scene = relayPerTest();
const { openRelay } = scene;

/** As long as a lease is: whoever writes the run renews it in time. */
const LEASE_MS = 15_000;
const SSE = { accept: "text/event-stream" };

/** What a device does next follows from these. */
async function refusalOf(response: Response): Promise<readonly unknown[]> {
  const { code } = (await response.json()) as { code: string };
  return [response.status, code, response.headers.get("retry-after")];
}

const fourTimes = (refusal: readonly unknown[]): unknown[] => Array.from({ length: 4 }, () => refusal);

/** Twenty times as fast, so that waits of seconds can be waited for. */
const hastened: Clock = { ...systemClock, after: (ms, callback) => systemClock.after(ms / 20, callback) };

/** A database that refuses every commit while `full`. */
function fillable(): { disk: { full: boolean }; wrap: (database: Database) => Database } {
  const disk = { full: false };
  const wrap = (database: Database): Database => ({
    ...database,
    commit: (statements) => (disk.full ? Promise.reject(new CommitError("unavailable")) : database.commit(statements)),
  });
  return { disk, wrap };
}

test("a run whose answer could not be placed ends at once, so that nobody waits for it", async () => {
  const relay = await openRelay({ timers: { sweep: 600_000 } });
  const body = await relay.prompt();
  const id = newId();
  const { edit } = relay.rooms;
  relay.rooms.edit = () => {
    relay.rooms.edit = edit;
    return Promise.reject(new CommitError("unavailable"));
  };
  expect((await relay.put(id, body)).status).toBe(507);
  await expect.poll(async () => (await relay.snapshot(id)).state).toBe("interrupted");
  expect((await relay.events(id)).at(-1)).toMatchObject({ type: "end", failure: { code: "log_unavailable" } });
  expect((await relay.put(id, body)).status).toBe(200);
  await expect
    .poll(() => relay.message(body))
    .toMatchObject({ run: { status: "interrupted", failure: { code: "log_unavailable" } } });
});

test("R16: a run whose chat there is no memory for is refused for a moment, and starts after it", async () => {
  const relay = await openRelay();
  const body = await relay.prompt();
  const { read } = relay.rooms;
  relay.rooms.read = () => Promise.reject(new RoomsCrowded());
  expect(await refusalOf(await relay.put(newId(), body))).toEqual([503, "overloaded", "1"]);
  relay.rooms.read = read;
  expect((await relay.put(newId(), body)).status).toBe(201);
});

test("who follows or repeats a run that nobody writes here is told to come back soon", async () => {
  const relay = await openRelay();
  const body = await relay.prompt();
  const id = newId();
  const principal = principalOf("ada");
  await relay.database.commit([
    insertRun(relay.database, createRunRow(principal, id as never, body, Date.now(), LEASE_MS)),
  ]);
  const ask = async () => [
    await refusalOf(await relay.request(`/api/runs/${id}/events`)),
    await refusalOf(await relay.request(`/api/runs/${id}/events?wait=20`)),
    await refusalOf(await relay.put(id, body, SSE)),
    await refusalOf(await relay.put(id, body)),
  ];
  expect(await ask()).toEqual(fourTimes([503, "overloaded", "1"]));
  await relay.runs.drain(0);
  expect(await ask()).toEqual(fourTimes([503, "draining", "1"]));
});

test("a run left behind before the clock was set back a week is ended now, not in a week", async () => {
  const relay = await openRelay({ timers: { sweep: 600_000 } });
  const [body, id, written] = [await relay.prompt(), newId(), newId()];
  const principal = principalOf("ada");
  const nextWeek = Date.now() + 7 * 24 * 60 * 60_000;
  await relay.database.commit([
    insertRun(relay.database, createRunRow(principal, id as never, body, nextWeek, LEASE_MS)),
    insertRun(relay.database, createRunRow(principal, written as never, await relay.prompt(), Date.now(), LEASE_MS)),
  ]);
  await relay.runs.sweep();
  expect((await relay.snapshot(id)).state).toBe("interrupted");
  expect((await relay.snapshot(written)).state).toBe("queued");
});

test("with a full disk a stop is answered, and a drain ends", async () => {
  const { disk, wrap } = fillable();
  const relay = await openRelay({ wrap, clock: hastened });
  scene.provider.script(answer("one two three", { pace: "gated" }));
  const id = await relay.start(await relay.prompt());
  await scene.provider.release(1);
  await expect.poll(async () => (await relay.snapshot(id)).text).toBe("one");
  disk.full = true;
  expect(await refusalOf(await relay.stop(id))).toEqual([507, "storage_unavailable", null]);
  await relay.runs.drain(100);
  await expect.poll(() => relay.runs.live).toBe(0);
  disk.full = false;
  expect(await relay.runs.recover()).toBe(1);
  expect(await relay.snapshot(id)).toMatchObject({ text: "one" });
});

test.each([
  ["at once", 0],
  ["late, after the next attempt was made", 300],
])("the bill of an attempt that the store refuses %s is stored with what comes after it", async (_, ms) => {
  let refusedBills = 0;
  const wrap = (database: Database): Database => ({
    ...database,
    commit: async (statements) => {
      const isBill = statements.every(({ query }) => query.sql.includes('insert into "usage"'));
      if (!isBill || refusedBills > 0) return database.commit(statements);
      refusedBills += 1;
      await sleep(ms);
      throw new CommitError("unavailable");
    },
  });
  const relay = await openRelay({ wrap });
  scene.provider.script(refusals.status(500), refusals.status(500), answer("It worked."));
  const id = await relay.start(await relay.prompt());
  expect(await relay.finished(id)).toMatchObject({ state: "completed", attempts: 3 });
  expect(refusedBills).toBe(1);
  const booked = await relay.usage(id);
  expect(booked.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
    [1, "server"],
    [2, "server"],
    [3, "completed"],
  ]);
});

test("a start that waits for its prompt is sent away when the server drains", async () => {
  const relay = await openRelay({ timers: { parentWait: 600_000 } });
  const waiting = deferred();
  const { waitFor } = relay.rooms;
  const body = await relay.prompt();
  relay.rooms.waitFor = (...args) => {
    waiting.resolve();
    return waitFor(...args);
  };
  const refused = relay.put(newId(), { ...body, parentMessageId: newId() });
  await waiting.promise;
  await relay.runs.drain(600_000);
  expect(await refusalOf(await refused)).toEqual([503, "draining", "1"]);
});

test("a start that is never judged does not hold a drain beyond its time", async () => {
  const asked = deferred();
  const relay = await openRelay({
    wrapProviders: (providers) => ({
      ...providers,
      find: () => {
        asked.resolve();
        return new Promise(() => undefined);
      },
    }),
  });
  const hanging = relay.put(newId(), await relay.prompt()).catch(() => "cut");
  await asked.promise;
  await relay.runs.drain(50);
  await relay.close();
  expect(await hanging).toBe("cut");
});

test("an empty Last-Event-ID does not hide where the reader says it stands", async () => {
  const relay = await openRelay();
  const id = await relay.start(await relay.prompt());
  const { seq } = await relay.finished(id);
  const headers = { "last-event-id": "" };
  expect((await relay.request(`/api/runs/${id}/events?after=${seq}`, { headers })).status).toBe(204);
});

test("a start repeated after its log was deleted answers with what is known of the run", async () => {
  const relay = await openRelay({ timers: { keepFrames: -1000 } });
  const body = await relay.prompt();
  const id = await relay.start(body);
  const { text } = await relay.finished(id);
  await expect
    .poll(async () => {
      await relay.runs.sweep();
      return (await relay.request(`/api/runs/${id}/events`)).status;
    })
    .toBe(410);
  const repeated = await relay.put(id, body, SSE);
  expect(repeated.status).toBe(200);
  expect(await repeated.json()).toMatchObject({ id, state: "completed", text });
});
