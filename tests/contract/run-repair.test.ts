import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { allTables } from "#tests/support/all-tables.ts";
import { answer, refusals } from "#tests/support/provider-behaviour.ts";
import { deferred } from "#tests/support/waiting.ts";
import { systemClock } from "#server/runs/clock.ts";
import type { Clock } from "#server/runs/clock.ts";
import { beginRow } from "#server/runs/run-opening.ts";
import { createRunRow } from "#server/runs/run-rows.ts";
import { insertFrames, insertRun } from "#server/runs/run-store.ts";
import { CommitError } from "#server/storage/database.ts";
import type { AccountId, ConversationId, MessageId, RunId, WorkspaceId } from "#shared/domain/ids.ts";
import type { StartRun } from "#shared/protocol/run-bodies.ts";
import { applyEvents, newId, readEvents, relayPerTest } from "./run-harness.ts";
import type { Harness } from "./run-harness.ts";
import { appendAnswer, startAnswer } from "#shared/documents/write-answer.ts";

const scene = relayPerTest();
const { openRelay } = scene;

const owner = { accountId: "ada" as AccountId, workspaceId: "workspace-ada" as WorkspaceId };
const relayPrincipal = { kind: "relay", ...owner } as const;
const QUIET = { sweep: 600_000, checkpoint: 600_000 };

/** Starts a run that has written one word and waits for the next. */
async function startGated(relay: Harness): Promise<{ body: StartRun; id: RunId }> {
  scene.provider.script(answer("one two three", { pace: "gated" }));
  const body = await relay.prompt();
  const id = await relay.start(body);
  await scene.provider.release(1);
  await expect.poll(async () => (await relay.snapshot(id)).text).toBe("one");
  return { body, id };
}

/** Somebody else takes the run over, and is gone at once. */
const takeOver = (relay: Harness, id: RunId) =>
  allTables(relay.database).updateTable("run").set({ lease_epoch: 99, lease_until: 0 }).where("id", "=", id).execute();

test("who reads from a writer that lost its lease is sent away, and finds the rest where it stands", async () => {
  const relay = await openRelay({ timers: QUIET });
  const { body, id } = await startGated(relay);
  const reading = relay.request(`/api/runs/${id}/events?after=0`).then(readEvents);
  const { seq } = await relay.snapshot(id);
  const polling = relay.request(`/api/runs/${id}/events?after=${seq}&wait=25`);
  await expect.poll(() => relay.responses.filter(({ headersSent }) => headersSent).length).toBeGreaterThan(1);
  await takeOver(relay, id);
  await scene.provider.release(1);
  const shown = await reading;
  expect(shown.at(-1)).toMatchObject({ type: "bye", reason: "moved" });
  expect(await (await polling).json()).toMatchObject({ events: [] });
  expect((await relay.request(`/api/runs/${id}/events?after=${seq}`)).status).toBe(503);
  await relay.runs.sweep();
  const rest = await relay.events(id, seq);
  expect(rest.at(-1)).toMatchObject({ type: "end", state: "interrupted" });
  expect(applyEvents([...shown, ...rest]).t).toBe("one");
  expect(await relay.message(body)).toMatchObject({ text: "one", run: { status: "interrupted" } });
});

test("a writer that lost its lease between two calls, while it looked at its document, looks no more", async () => {
  const CHECKPOINT_MS = 23;
  let armed = 0;
  const after: Clock["after"] = (ms, callback) => {
    if (ms === CHECKPOINT_MS) armed += 1;
    return systemClock.after(ms, callback);
  };
  const timers = { ...QUIET, checkpoint: CHECKPOINT_MS, leaseRenew: 31 };
  const relay = await openRelay({ timers, clock: { ...systemClock, after } });
  scene.provider.script(refusals.rateLimited({ "retry-after": "50" }));
  const { read } = relay.rooms;
  const body = await relay.prompt();
  const id = await relay.start(body);
  const [looked, goOn] = [deferred(), deferred()];
  const reads: Promise<unknown>[] = [];
  relay.rooms.read = (...args) => {
    looked.resolve();
    const found = goOn.promise.then(() => read(...args));
    reads.push(found);
    return found;
  };
  await looked.promise;
  await takeOver(relay, id);
  await expect.poll(() => relay.runs.live).toBe(0);
  const before = armed;
  goOn.resolve();
  await Promise.all(reads);
  await setImmediate();
  expect(armed).toBe(before);
});

test.each([
  ["the store takes nothing", () => new CommitError("unavailable")],
  ["writing it breaks", () => new Error("broken")],
])("an end that did not reach its message, because %s, is brought there by the sweep", async (_, failure) => {
  const relay = await openRelay({ timers: QUIET });
  const { body, id } = await startGated(relay);
  const { edit } = relay.rooms;
  relay.rooms.edit = () => Promise.reject(failure());
  await scene.provider.release(3);
  await expect.poll(() => relay.runs.live).toBe(0);
  expect(await relay.snapshot(id)).toMatchObject({ state: "completed", text: "one two three" });
  expect(await relay.message(body)).toMatchObject({ text: "", run: { status: "streaming" } });
  relay.rooms.edit = edit;
  await relay.runs.sweep();
  expect(await relay.message(body)).toMatchObject({ text: "one two three", run: { status: "completed" } });
  scene.provider.script(answer("four"));
  const next = await relay.start({ ...body, messageId: newId(), continues: id });
  expect(await relay.finished(next)).toMatchObject({ text: "one two threefour" });
});

test("a message whose run has ended stays taken until that end is in the document, so nobody pays for it twice", async () => {
  const relay = await openRelay({ timers: QUIET });
  const { edit } = relay.rooms;
  const body = await relay.prompt();
  const id = newId();
  relay.rooms.edit = () => Promise.reject(new CommitError("unavailable"));
  expect((await relay.put(id, body)).status).toBe(507);
  await expect.poll(() => relay.runs.live).toBe(0);
  expect(await relay.snapshot(id)).toMatchObject({ state: "interrupted" });
  const bill = await relay.usage(id);
  expect(await relay.message(body)).toBeUndefined();
  const calls = scene.provider.requests.length;
  const second = newId();
  const busy = await relay.put(second, body);
  expect([busy.status, await busy.json()]).toEqual([409, expect.objectContaining({ code: "message_busy", runId: id })]);
  relay.rooms.edit = edit;
  await relay.runs.sweep();
  expect(await relay.message(body)).toMatchObject({ run: { runId: id, status: "interrupted" } });
  const written = await relay.put(second, body);
  expect([written.status, await written.json()]).toEqual([409, expect.objectContaining({ code: "message_written" })]);
  expect(scene.provider.requests).toHaveLength(calls);
  expect([bill.length, (await relay.usage(id)).length, (await relay.usage(second)).length]).toEqual([1, 1, 0]);
});

test("a checkpoint that was stored and said to have failed is gone on from", async () => {
  const relay = await openRelay({ timers: { ...QUIET, checkpoint: 20 } });
  const { edit } = relay.rooms;
  let lied = 0;
  const body = await relay.prompt();
  relay.rooms.edit = async (...args) => {
    await edit(...args);
    const text = (await relay.message(body))?.text ?? "";
    if (text !== "one" || lied > 0) return;
    lied += 1;
    throw new CommitError("unavailable");
  };
  scene.provider.script(answer("one two three", { pace: "gated" }));
  const id = await relay.start(body);
  await scene.provider.release(1);
  await expect.poll(() => lied).toBe(1);
  await scene.provider.release(3);
  await relay.finished(id);
  expect(await relay.message(body)).toMatchObject({ text: "one two three", run: { status: "completed" } });
});

test("a message that still says it is being written when its run is settled is repaired by whoever asks for it", async () => {
  const relay = await openRelay();
  const body = await relay.prompt();
  const id = await relay.start(body);
  await relay.finished(id);
  await expect.poll(() => relay.runs.live).toBe(0);
  const done = await relay.message(body);
  await relay.rooms.edit(relayPrincipal, body.conversationId as ConversationId, (chat) => {
    appendAnswer(chat, body.messageId as MessageId, {
      text: "",
      reasoning: "",
      run: { ...done!.run!, status: "streaming" },
    });
  });
  const refused = await relay.put(newId(), body);
  expect([refused.status, await refused.json()]).toEqual([409, expect.objectContaining({ code: "message_written" })]);
  expect(await relay.message(body)).toEqual(done);
});

test.each([
  ["is placed by recovery", false, { run: { status: "interrupted" } }],
  ["stays removed", true, undefined],
])("the answer of a run that was cut off right after its row %s", async (_, removed, expected) => {
  const relay = await openRelay({ timers: QUIET });
  const body = await relay.prompt();
  const id = newId() as RunId;
  const principal = {
    kind: "account",
    role: "owner",
    credential: { type: "session", sessionId: "s" },
    ...owner,
  } as const;
  const { row, frames } = beginRow(createRunRow(principal, id, body, Date.now(), 0), "", Date.now());
  await relay.database.commit([insertRun(relay.database, row), ...insertFrames(relay.database, id, frames)]);
  const messageId = body.messageId as MessageId;
  if (removed)
    await relay.rooms.edit(relayPrincipal, body.conversationId as ConversationId, (chat) => {
      const parentId = body.parentMessageId as MessageId;
      startAnswer(chat, { id: messageId, parentId, createdAt: 1, run: JSON.parse(row.facts) });
      chat.removeMessage(messageId);
    });
  expect(await relay.runs.recover()).toBe(1);
  expect(await relay.snapshot(id)).toMatchObject({ state: "interrupted", attempts: 1 });
  // The call may have been made, so it is on the bill.
  expect(await relay.usage(id)).toMatchObject([{ attempt: 1, source: "estimated" }]);
  const message = await relay.message(body);
  if (expected === undefined) expect(message).toBeUndefined();
  else expect(message).toMatchObject(expected);
});
