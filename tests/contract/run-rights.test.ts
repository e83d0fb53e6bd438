import { afterEach, beforeEach, expect, test } from "vitest";
import * as Y from "yjs";
import { allTables } from "#tests/support/all-tables.ts";
import { answer } from "#tests/support/provider-behaviour.ts";
import { openScriptedProvider } from "#tests/support/scripted-provider.ts";
import type { ScriptedProvider } from "#tests/support/scripted-provider.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { AccountId, ConversationId, MessageId, WorkspaceId } from "#shared/domain/ids.ts";
import type { RunFacts } from "#shared/domain/run.ts";
import type { StartRun } from "#shared/protocol/run-bodies.ts";
import { newId, openHarness, readEvents } from "./run-harness.ts";
import type { Harness } from "./run-harness.ts";
import { appendAnswer, startAnswer } from "#shared/documents/write-answer.ts";

const PARENT_WAIT_MS = 300;
const SSE = { accept: "text/event-stream" };

let provider: ScriptedProvider;
let relay: Harness;
const signedOut = new Set<string>();
beforeEach(async () => {
  signedOut.clear();
  provider = await openScriptedProvider();
  relay = await openHarness({
    baseUrl: provider.baseUrl,
    timers: { parentWait: PARENT_WAIT_MS, recheck: 60 },
    signedIn: (account) => !signedOut.has(account),
  });
});
afterEach(async () => {
  await relay.close();
  await provider.close();
});

const rows = async (): Promise<number> =>
  (await allTables(relay.database).selectFrom("run").select("id").execute()).length;

async function timed(ask: () => Promise<Response>): Promise<{ status: number; body: unknown; ms: number }> {
  const startedAt = performance.now();
  const response = await ask();
  const body: unknown = await response.json();
  return { status: response.status, body, ms: performance.now() - startedAt };
}

test.each(["live", "ended"])(
  "row 5: nothing of another account's %s run can be started, read, followed or stopped",
  async (when) => {
    provider.scriptOtherwise(answer("one two", { pace: when === "live" ? "gated" : "flood" }));
    const body = await relay.prompt();
    const id = await relay.start(body);
    if (when === "ended") await relay.finished(id);
    const before = await rows();
    const own = await relay.prompt("Mine.", "eve");
    const asked = [
      relay.put(id, body, {}, "eve"),
      relay.put(id, own, {}, "eve"),
      relay.put(id, own, SSE, "eve"),
      relay.put(newId(), { ...own, continues: id }, {}, "eve"),
      relay.request(`/api/runs/${id}`, {}, "eve"),
      relay.request(`/api/runs/${id}/events`, {}, "eve"),
      relay.request(`/api/runs/${id}/events`, { headers: { "last-event-id": "1" } }, "eve"),
      relay.request(`/api/runs/${id}/events?after=0&wait=1`, {}, "eve"),
      relay.stop(id, "eve"),
      relay.stop(id, "eve"),
    ];
    const answers = await Promise.all(
      (await Promise.all(asked)).map(async (response) => [response.status, await response.text()]),
    );
    const unknown = await relay.request(`/api/runs/${newId()}`, {}, "eve");
    const nothingHere = [unknown.status, await unknown.text()];
    for (const found of answers) expect(found).toEqual(nothingHere);
    expect(nothingHere[0]).toBe(404);
    expect(await rows()).toBe(before);
    expect((await relay.snapshot(id)).state).toBe(when === "live" ? "streaming" : "completed");
    await relay.stop(id);
  },
);

test("row 5: a foreign id is not found at once, however it is asked", async () => {
  const body = await relay.prompt();
  const id = await relay.start(body);
  await relay.finished(id);
  const { status, ms } = await timed(() => relay.put(id, body, {}, "eve"));
  expect(status).toBe(404);
  expect(ms).toBeLessThan(PARENT_WAIT_MS);
});

test("row 1: a foreign conversation answers as an unknown one does, after the same wait, and nothing is written", async () => {
  const body = await relay.prompt();
  const before = await rows();
  const ask = (request: StartRun) => () => relay.put(newId(), request, {}, "eve");
  const mine = await relay.prompt("Mine.", "eve");
  const found = [
    await timed(ask(body)),
    await timed(ask({ ...body, conversationId: newId() })),
    await timed(ask({ ...mine, conversationId: body.conversationId })),
    await timed(ask({ ...mine, parentMessageId: body.parentMessageId })),
  ];
  const [first] = found;
  for (const { status, body: said, ms } of found) {
    expect([status, said]).toEqual([404, first!.body]);
    expect(ms).toBeGreaterThanOrEqual(PARENT_WAIT_MS - 5);
    expect(ms).toBeLessThan(PARENT_WAIT_MS * 4);
  }
  expect(first!.body).toMatchObject({ code: "parent_missing" });
  expect(await rows()).toBe(before);
  // Asking claimed nothing: its owner still has it.
  expect((await relay.put(newId(), body)).status).toBe(201);
});

/** A conversation whose answer claims, in its owner's own words, that a run is writing it. */
async function promptWithClaim(run: RunFacts, account: string, messageId: string): Promise<StartRun> {
  const body = { ...(await relay.prompt("Mine.", account)), messageId };
  const doc = new Y.Doc();
  const chat = openConversation(doc, "test");
  const parentId = body.parentMessageId as MessageId;
  chat.addPrompt({ id: parentId, parentId: undefined, text: "Mine.", createdAt: 1 });
  startAnswer(chat, { id: messageId as MessageId, parentId, createdAt: 1, run });
  await relay.deliver(body.conversationId as ConversationId, doc, account);
  return body;
}

test.each([
  ["another account's live run", "live", "eve", "other"],
  ["another account's ended run", "ended", "eve", "other"],
  ["another account's ended run, under its message's id", "ended", "eve", "same"],
  ["an ended run of another of one's own conversations", "ended", "ada", "same"],
])("row 5: a message that claims to be written by %s tells and changes nothing", async (_, when, account, message) => {
  provider.scriptOtherwise(answer("one two", { pace: when === "live" ? "gated" : "flood" }));
  const body = await relay.prompt();
  const id = await relay.start(body);
  if (when === "ended") {
    await relay.finished(id);
    await expect.poll(() => relay.runs.live).toBe(0);
    // The state that a repair would change.
    const principal = { kind: "relay", accountId: "ada" as AccountId, workspaceId: "workspace-ada" as WorkspaceId };
    const { run } = (await relay.message(body))!;
    await relay.rooms.edit(principal as never, body.conversationId as ConversationId, (chat) => {
      appendAnswer(chat, body.messageId as MessageId, {
        text: "",
        reasoning: "",
        run: { ...run!, status: "streaming" },
      });
    });
  }
  const shown = async () => {
    const written = await relay.message(body);
    return { text: written?.text, status: written?.run?.status };
  };
  const before = await shown();
  const claim: RunFacts = { ...(await relay.message(body))!.run!, runId: id, status: "streaming" };
  const own = await promptWithClaim(claim, account, message === "same" ? body.messageId : newId());
  const unknown = await promptWithClaim({ ...claim, runId: newId() }, account, newId());
  const answers = await Promise.all(
    [own, unknown].map(async (request) => {
      const response = await relay.put(newId(), request, {}, account);
      return [response.status, await response.text()];
    }),
  );
  expect(answers[0]).toEqual(answers[1]);
  expect(answers[0]).toEqual([409, expect.stringContaining("message_written")]);
  expect(await shown()).toEqual(before);
  await relay.stop(id);
});

test("row 6: an open stream ends when its session does; its run goes on, and others go on reading", async () => {
  provider.script(answer("one two three", { pace: "gated" }));
  const id = await relay.start(await relay.prompt());
  const response = await relay.request(`/api/runs/${id}/events`);
  await provider.release(2);
  signedOut.add("ada");
  const events = await readEvents(response);
  expect(events.at(-1)).toMatchObject({ type: "bye", reason: "right" });
  signedOut.delete("ada");
  const back = relay.events(id, events.findLast(({ seq }) => seq !== undefined)?.seq ?? 0);
  await provider.release(3);
  expect((await back).at(-1)).toMatchObject({ type: "end", state: "completed" });
});
