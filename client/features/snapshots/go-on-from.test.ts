import { expect, test } from "vitest";
import { freezeConversation } from "#shared/documents/freeze-conversation.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import { inMemoryWorkspace } from "#tests/support/in-memory-workspace.ts";
import { duplicateSnapshot, restoreIntoChat } from "./go-on-from.ts";

/** A chat of one prompt and its answer with settings, a snapshot of it, and what was done to the chat since. */
async function aSnapshot() {
  const world = inMemoryWorkspace();
  const id = world.newConversationId();
  const { conversation } = world.workspace.documents.open(id);
  conversation.setSystemPrompt("Be brief.");
  conversation.setParameter("temperature", 0.5);
  const plannedRun = { runId: "run-1", messageId: "answer-1", model: "t/m" };
  conversation.addPrompt({ id: "q1" as MessageId, parentId: undefined, text: "Why tides?", createdAt: 1, plannedRun });
  world.answer(id, { text: "The Moon.", status: "completed" });
  const frozen = freezeConversation(conversation, { author: "account-1" });
  if (!frozen.ok) throw new Error(frozen.failure);
  const labels = { title: "Tides", note: "", tags: [] };
  await world.workspace.snapshots.take({ conversationId: id, content: frozen.value, ...labels });
  const [entry] = world.workspace.snapshots.entries();
  if (entry === undefined) throw new Error("There is no snapshot");
  conversation.setSystemPrompt("Be kind.");
  conversation.setParameter("temperature", 2);
  conversation.chooseModel("t/small");
  conversation.addPrompt({
    id: "q2" as MessageId,
    parentId: "answer-1" as MessageId,
    text: "And on Mars?",
    createdAt: 2,
    plannedRun: { runId: "run-2", messageId: "answer-2", model: "t/m" },
  });
  return { world, id, conversation, summary: entry.summary };
}

const texts = ({ branch }: { branch: () => readonly { text: string }[] }): string[] => branch().map(({ text }) => text);

test("restoring with its settings brings model, system prompt and parameters back with the branch", async () => {
  const { world, id, conversation, summary } = await aSnapshot();
  expect(await restoreIntoChat(world.workspace, summary, "taken-over")).toEqual({ ok: true, value: id });
  expect(texts(conversation)).toEqual(["Why tides?", "The Moon."]);
  expect(conversation.settings()).toEqual({ model: "", systemPrompt: "Be brief.", parameters: { temperature: 0.5 } });
});

test("restoring without its settings leaves those of the chat as they are", async () => {
  const { world, conversation, summary } = await aSnapshot();
  await restoreIntoChat(world.workspace, summary, "kept");
  expect(texts(conversation)).toEqual(["Why tides?", "The Moon."]);
  expect(conversation.settings()).toEqual({
    model: "t/small",
    systemPrompt: "Be kind.",
    parameters: { temperature: 2 },
  });
});

test("where there is no chat to restore into it is said why, nothing is changed, and duplicating works", async () => {
  const cases: [string, (scene: Awaited<ReturnType<typeof aSnapshot>>) => void][] = [
    ["chat-deleted", ({ conversation }) => conversation.setDeleted(true)],
    ["chat-gone", ({ world, id }) => world.mark(id, { erased: true })],
    ["chat-gone", ({ world, id }) => world.setStatus(id, { type: "gone" })],
    ["chat-read-only", ({ world, id }) => world.setStatus(id, { type: "read-only" })],
  ];
  for (const [failure, happens] of cases) {
    const scene = await aSnapshot();
    happens(scene);
    expect(await restoreIntoChat(scene.world.workspace, scene.summary, "taken-over")).toEqual({ ok: false, failure });
    expect(texts(scene.conversation)).toEqual(["Why tides?", "The Moon.", "And on Mars?"]);
    expect(scene.conversation.settings().systemPrompt).toBe("Be kind.");
    const made = await duplicateSnapshot(scene.world.workspace, scene.summary);
    if (!made.ok) throw new Error(made.failure);
    expect(made.value).not.toBe(scene.id);
    expect(texts(scene.world.workspace.documents.open(made.value).conversation)).toEqual(["Why tides?", "The Moon."]);
  }
});

test("a chat that the library does not know is gone; one that it knows, and is not here, has not come yet", async () => {
  const { world, summary } = await aSnapshot();
  const elsewhere = world.newConversationId();
  const of = { ...summary, conversationId: elsewhere };
  expect(await restoreIntoChat(world.workspace, of, "kept")).toEqual({ ok: false, failure: "chat-gone" });
  const entries = world.workspace.library.entries();
  const library = {
    ...world.workspace.library,
    entries: () => entries.map((entry) => ({ ...entry, id: elsewhere })),
  };
  expect(await restoreIntoChat({ ...world.workspace, library }, of, "kept")).toEqual({
    ok: false,
    failure: "chat-not-here",
  });
  expect(world.workspace.documents.open(elsewhere).conversation.schemaVersion()).toBe(0);
});
