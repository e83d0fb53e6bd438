import { beforeEach, expect, test } from "vitest";
import { inMemoryWorkspace } from "#tests/support/in-memory-workspace.ts";
import type { InMemoryWorkspace } from "#tests/support/in-memory-workspace.ts";
import type { UserMessage } from "#shared/domain/message.ts";
import { answerAgain, cancelPrompt, continueAnswer, editPrompt, sendPrompt } from "./send-prompt.ts";

let world: InMemoryWorkspace;
beforeEach(() => {
  world = inMemoryWorkspace();
});
const aChat = () => world.workspace.documents.open(world.newConversationId());
const firstPrompt = (open: ReturnType<typeof aChat>): UserMessage => open.conversation.branch()[0] as UserMessage;
const send = (open: ReturnType<typeof aChat>, text: string): void =>
  sendPrompt(world.workspace, open, {
    text,
    parentId: open.conversation.branch().at(-1)?.id,
    model: "t/m",
    takesDraft: true,
  });

test("sending moves the draft into the branch and stores the run with it, under the ids the message names", () => {
  const open = aChat();
  open.conversation.setDraft("Hello ");
  send(open, "Hello ");
  const prompt = firstPrompt(open);
  expect(prompt.text).toBe("Hello");
  expect(open.conversation.draft.toString()).toBe("");
  expect(world.delivered).toHaveLength(1);
  expect(world.delivered[0]).toMatchObject({
    ...prompt.plannedRun,
    parentMessageId: prompt.id,
    conversationId: open.id,
  });
});

test("editing a prompt that waits rewrites it; editing one that went out makes a sibling", () => {
  const open = aChat();
  send(open, "One");
  world.setDelivery(firstPrompt(open).plannedRun!.runId, { type: "queued" });
  editPrompt(world.workspace, open, firstPrompt(open), "Two", "t/m");
  expect(open.conversation.branch().map((message) => message.text)).toEqual(["Two"]);
  expect(world.delivered).toHaveLength(1);

  world.setDelivery(firstPrompt(open).plannedRun!.runId, undefined);
  editPrompt(world.workspace, open, firstPrompt(open), "Three", "t/m");
  expect(open.conversation.branch().map((message) => message.text)).toEqual(["Three"]);
  expect(open.conversation.siblings(firstPrompt(open)).map((message) => message.text)).toEqual(["Two", "Three"]);
  expect(world.delivered).toHaveLength(2);
});

test("trying an unbegun answer again keeps its message id and takes a new run id", () => {
  const open = aChat();
  send(open, "One");
  const before = firstPrompt(open).plannedRun!;
  answerAgain(world.workspace, open, firstPrompt(open), "t/m");
  const after = firstPrompt(open).plannedRun!;
  expect(after.messageId).toBe(before.messageId);
  expect(after.runId).not.toBe(before.runId);
});

test.each(["queued", "sending"] as const)("a second click while a run is %s starts no second one", (type) => {
  const open = aChat();
  send(open, "One");
  world.answer(open.id, { text: "Half", status: "interrupted" });
  const [, answer] = open.conversation.branch();
  if (answer?.role !== "assistant") throw new Error("expected an answer");
  continueAnswer(world.workspace, open, answer, "t/m");
  const { runId } = firstPrompt(open).plannedRun!;
  world.setDelivery(runId, { type });
  continueAnswer(world.workspace, open, answer, "t/m");
  answerAgain(world.workspace, open, firstPrompt(open), "t/m");
  expect(world.delivered).toHaveLength(2);
  expect(firstPrompt(open).plannedRun!.runId).toBe(runId);
});

test("continuing again before anything is known of the first time names the same message, which is written once", () => {
  const open = aChat();
  send(open, "One");
  world.answer(open.id, { text: "Half", status: "interrupted" });
  const [, answer] = open.conversation.branch();
  if (answer?.role !== "assistant") throw new Error("expected an answer");
  continueAnswer(world.workspace, open, answer, "t/m");
  continueAnswer(world.workspace, open, answer, "t/m");
  const [, first, second] = world.delivered;
  expect(second!.messageId).toBe(first!.messageId);
  expect(second!.messageId).not.toBe(answer.id);
});

test("while a run is being written its prompt takes no other; once it ended or was refused, it does", () => {
  const open = aChat();
  send(open, "One");
  const before = firstPrompt(open);
  world.setLive(before.plannedRun!.runId, { status: "streaming" });
  answerAgain(world.workspace, open, before, "t/m");
  expect(world.delivered).toHaveLength(1);
  world.setLive(before.plannedRun!.runId, { status: "failed" });
  answerAgain(world.workspace, open, before, "t/m");
  expect(world.delivered).toHaveLength(2);
  world.setDelivery(firstPrompt(open).plannedRun!.runId, { type: "refused", code: "model_unknown" });
  answerAgain(world.workspace, open, firstPrompt(open), "t/m");
  expect(world.delivered).toHaveLength(3);
});

test("regenerating and continuing write new messages; continuing names the run it carries on", () => {
  const open = aChat();
  send(open, "One");
  world.answer(open.id, { text: "Half", status: "interrupted" });
  const [, answer] = open.conversation.branch();
  answerAgain(world.workspace, open, firstPrompt(open), "t/m");
  expect(firstPrompt(open).plannedRun!.messageId).not.toBe(answer!.id);
  if (answer?.role !== "assistant") throw new Error("expected an answer");
  continueAnswer(world.workspace, open, answer, "t/m");
  expect(world.delivered.at(-1)).toMatchObject({ continues: answer.run!.runId, parentMessageId: firstPrompt(open).id });
});

test("cancelling a waiting prompt puts its words back, before what was written since", async () => {
  const open = aChat();
  send(open, "One");
  open.conversation.setDraft("Two");
  expect(await cancelPrompt(world.workspace, open, firstPrompt(open))).toBe(true);
  expect(open.conversation.branch()).toEqual([]);
  expect(open.conversation.draft.toString()).toBe("One\n\nTwo");
});

test("when it is too late to cancel, the prompt stays", async () => {
  const open = aChat();
  send(open, "One");
  world.refuseCancel();
  expect(await cancelPrompt(world.workspace, open, firstPrompt(open))).toBe(false);
  expect(open.conversation.branch()).toHaveLength(1);
});
