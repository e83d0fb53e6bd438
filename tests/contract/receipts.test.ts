import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type * as Y from "yjs";
import { relayOf } from "#server/access/principal.ts";
import { freezeConversation } from "#shared/documents/freeze-conversation.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import type { StartRun } from "#shared/protocol/run-bodies.ts";
import { verifyAnswers } from "#shared/provenance/verify-answer.ts";
import type { AnswerMark } from "#shared/provenance/verify-answer.ts";
import { allTables } from "#tests/support/all-tables.ts";
import { principalOf } from "#tests/support/principals.ts";
import { answer } from "#tests/support/provider-behaviour.ts";
import { sha256 } from "#tests/support/signing-party.ts";
import { newId, relayPerTest } from "./run-harness.ts";
import type { Harness } from "./run-harness.ts";

const relays = relayPerTest();
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const edit = (relay: Harness, body: StartRun, change: (conversation: ConversationDocument) => void): Promise<void> =>
  relay.rooms.edit(relayOf(principalOf("ada")), body.conversationId as ConversationId, change);

/** The shown branch as a snapshot would hold it. */
async function freeze(relay: Harness, body: StartRun): Promise<FrozenContent> {
  const frozen = await relay.rooms.read(principalOf("ada"), body.conversationId as ConversationId, (conversation) =>
    freezeConversation(conversation, { author: "ada", leaf: body.messageId }),
  );
  if (!frozen?.ok) throw new Error("nothing to freeze");
  return frozen.value;
}

/** What is said of each answer of the branch. */
async function marks(relay: Harness, body: StartRun): Promise<(AnswerMark | undefined)[]> {
  const content = await freeze(relay, body);
  const all = await verifyAnswers(content, await relay.signing.keys(), sha256);
  return all.filter((_, index) => content.messages[index]?.role === "assistant");
}
const said = (mark: AnswerMark | undefined): string | undefined =>
  mark?.type === "unverified" ? mark.reason : mark?.type;
const saidOf = async (relay: Harness, body: StartRun): Promise<(string | undefined)[]> =>
  (await marks(relay, body)).map(said);

/** Another prompt behind the answer of a run, and the start of the run that answers it. */
async function followUp(relay: Harness, body: StartRun, text: string): Promise<StartRun> {
  const parentMessageId = newId() as MessageId;
  await edit(relay, body, (conversation) =>
    conversation.addPrompt({ id: parentMessageId, parentId: body.messageId as MessageId, text, createdAt: 2 }),
  );
  return { ...body, parentMessageId, messageId: newId() };
}

/** The words of a message, for changing them as a device of its owner could. */
const textIn = (doc: Y.Doc, id: string): Y.Text =>
  doc.getMap<Y.Map<unknown>>("messages").get(id)!.get("text") as Y.Text;

const committedOf = (relay: Harness, id: string) =>
  allTables(relay.database).selectFrom("run").select("committed").where("id", "=", id).executeTakeFirst();
/** Waits until the row is closed: then a run may carry it on. */
async function settled(relay: Harness, id: string): Promise<void> {
  await expect.poll(() => committedOf(relay, id)).toEqual({ committed: 1 });
}

test("an answer that was completed is verified, with everything that was signed about it", async () => {
  const relay = await relays.openRelay();
  const fingerprint = 'data: {"system_fingerprint":"fp_44709d6fcb","choices":[]}\n\n';
  relays.provider.script(
    answer("Red – 🌹.", { reasoning: ["Hm."], model: "scripted-1-2026", inserts: [{ before: 0, raw: fingerprint }] }),
  );
  const body = { ...(await relay.prompt("What?", "ada", "Be brief.")), parameters: { temperature: 0.5 } };
  const id = await relay.start(body);
  await relay.finished(id);
  const [mark] = await marks(relay, body);
  const { run } = (await relay.message(body)) ?? {};
  expect(run).toMatchObject({ systemFingerprint: "fp_44709d6fcb", receipt: expect.any(String) });
  expect(mark).toMatchObject({
    type: "verified",
    receipt: {
      iss: "https://chat.example.org",
      run: id,
      message: body.messageId,
      model: "openai/scripted-1",
      resolvedModel: "scripted-1-2026",
      systemFingerprint: "fp_44709d6fcb",
      status: "completed",
      finish: "stop",
      startedAt: run?.startedAt,
      endedAt: run?.endedAt,
    },
  });
  const row = await allTables(relay.database)
    .selectFrom("run")
    .select("facts")
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  expect((JSON.parse(row.facts) as { receipt: string }).receipt).toBe(run?.receipt);
});

test("an answer that was stopped is verified as far as it came", async () => {
  const relay = await relays.openRelay();
  relays.provider.script(answer("one two three four", { pace: "gated" }));
  const body = await relay.prompt();
  const id = await relay.start(body);
  await relays.provider.release(2, 0);
  await expect.poll(async () => (await relay.snapshot(id)).text).toBe("one two");
  await relay.stop(id);
  await relay.finished(id);
  expect(await marks(relay, body)).toMatchObject([{ type: "verified", receipt: { status: "stopped" } }]);
});

test("so is one that was cut off, and what the provider failed at in the middle", async () => {
  const relay = await relays.openRelay();
  for (const ending of [
    { type: "cut", after: 2 },
    { type: "error", after: 2, error: { message: "no", type: "server_error" } },
  ] as const) {
    relays.provider.script(answer("one two three", { ending }));
    const body = await relay.prompt();
    const { state } = await relay.finished(await relay.start(body));
    expect(["interrupted", "failed"]).toContain(state);
    expect(await marks(relay, body)).toMatchObject([{ type: "verified", receipt: { status: state } }]);
  }
});

test("a run that wrote nothing gets no receipt", async () => {
  const relay = await relays.openRelay();
  relays.provider.script({ kind: "refusal", status: 401, headers: {}, error: undefined });
  const body = await relay.prompt();
  expect((await relay.finished(await relay.start(body))).state).toBe("failed");
  expect((await relay.message(body))?.run?.receipt).toBeUndefined();
  expect(await saidOf(relay, body)).toEqual(["no-receipt"]);
});

test("each answer of a chat is verified by what stood before it, and edits show where they are", async () => {
  const relay = await relays.openRelay();
  relays.provider.script(answer("First."), answer("Second."));
  const first = await relay.prompt("One?", "ada", "Be brief.");
  await relay.finished(await relay.start(first));
  const second = await followUp(relay, first, "Two?");
  await relay.finished(await relay.start(second));
  expect(await saidOf(relay, second)).toEqual(["verified", "verified"]);
  await edit(relay, first, ({ doc }) => {
    textIn(doc, first.messageId).insert(0, "Not ");
  });
  expect(await saidOf(relay, second)).toEqual(["edited", "verified-other-context"]);
});

test("a system prompt that is changed later is not what was asked", async () => {
  const relay = await relays.openRelay();
  const body = await relay.prompt("One?", "ada", "Be brief.");
  await relay.finished(await relay.start(body));
  await edit(relay, body, (conversation) => conversation.setSystemPrompt("Be long."));
  expect(await saidOf(relay, body)).toEqual(["verified-other-context"]);
  await edit(relay, body, (conversation) => conversation.setSystemPrompt("Be brief."));
  expect(await saidOf(relay, body)).toEqual(["verified"]);
});

/** An answer that was cut off after two words, and the start of a run that carries it on. */
async function cutOff(relay: Harness): Promise<{ body: StartRun; next: StartRun; id: string }> {
  relays.provider.script(answer("one two three", { ending: { type: "cut", after: 2 } }), answer(" and on."));
  const body = await relay.prompt("Count", "ada", "Be brief.");
  const id = await relay.start(body);
  await relay.finished(id);
  await settled(relay, id);
  return { body, id, next: { ...body, messageId: newId(), continues: id } };
}

test("an answer that carries on what the relay wrote itself is verified, also over several runs", async () => {
  const relay = await relays.openRelay();
  const { next, id } = await cutOff(relay);
  const second = await relay.start(next);
  await relay.finished(second);
  expect(await marks(relay, next)).toMatchObject([
    { type: "verified", receipt: { carried: "one two".length, carriedFrom: id, run: second } },
  ]);
  await settled(relay, second);
  const third = { ...next, messageId: newId(), continues: second };
  relays.provider.script(answer(" End"));
  await relay.finished(await relay.start(third));
  expect((await freeze(relay, third)).messages.at(-1)?.text).toBe("one two and on. End");
  expect(await marks(relay, third)).toMatchObject([{ type: "verified", receipt: { carriedFrom: second } }]);
});

test.each<[string, (conversation: ConversationDocument, messageId: string) => void, Partial<StartRun>]>([
  ["words that a device changed", ({ doc }, id) => textIn(doc, id).insert(0, "No: "), {}],
  ["words that were asked for under another system prompt", (conversation) => conversation.setSystemPrompt("Lie."), {}],
  ["words that were asked for with other parameters", () => undefined, { parameters: { temperature: 1 } }],
])("an answer that carries on %s gets no receipt: nobody vouches for the whole", async (_, change, over) => {
  const relay = await relays.openRelay();
  const { body, next } = await cutOff(relay);
  await edit(relay, body, (conversation) => change(conversation, body.messageId));
  const changed = { ...next, ...over };
  expect((await relay.finished(await relay.start(changed))).state).toBe("completed");
  expect(await saidOf(relay, changed)).toEqual(["no-receipt"]);
});

test("an answer whose server died is signed by the one that finishes it, with the same keys", async () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-receipts-"));
  folders.push(folder);
  const file = join(folder, "holdfast.sqlite");
  const dying = await relays.openRelay({ file });
  const { keys } = await dying.signing.keys();
  relays.provider.script(answer("one two three", { pace: "gated" }));
  const body = await dying.prompt("Count", "ada", "Be brief.");
  const id = await dying.start(body);
  await relays.provider.release(2, 0);
  await expect.poll(async () => (await dying.snapshot(id)).text).toBe("one two");
  await expect
    .poll(() => allTables(dying.database).selectFrom("run").select("asked").where("id", "=", id).executeTakeFirst())
    .toEqual({ asked: expect.stringContaining("context") });
  await dying.crash();
  const relay = await relays.openRelay({ file });
  expect(await relay.runs.recover()).toBe(1);
  expect((await relay.signing.keys()).keys).toEqual(keys);
  expect(await marks(relay, body)).toMatchObject([
    { type: "verified", kid: keys[0]?.kid, receipt: { status: "interrupted", run: id } },
  ]);
});

test("a signature that fails costs nobody their answer", async () => {
  const relay = await relays.openRelay({ signReceipt: () => Promise.reject(new Error("no key")) });
  const body = await relay.prompt();
  expect((await relay.finished(await relay.start(body))).state).toBe("completed");
  expect(await saidOf(relay, body)).toEqual(["no-receipt"]);
  expect(relay.logged.join("\n")).toContain("an answer could not be signed");
});
