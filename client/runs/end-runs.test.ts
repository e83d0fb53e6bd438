import { expect, test } from "vitest";
import { inMemoryWorkspace } from "#tests/support/in-memory-workspace.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import { endRuns } from "./end-runs.ts";

function aChat() {
  const world = inMemoryWorkspace();
  const { conversation, id } = world.workspace.documents.open(world.newConversationId());
  conversation.addPrompt({
    id: "p1" as MessageId,
    parentId: undefined,
    text: "Hi",
    createdAt: 0,
    plannedRun: { runId: "r1", messageId: "m1", model: "t/m" },
  });
  const stopped: string[] = [];
  const { runs } = world.workspace;
  const recording = { ...runs, stop: (runId: string): void => void stopped.push(runId) };
  return { world, id, conversation, stopped, end: () => endRuns(conversation, recording) };
}

test("a run that has not gone out is left to delivery, which keeps it until the chat is restored", () => {
  const chat = aChat();
  chat.world.setDelivery("r1", { type: "queued" });
  chat.end();
  expect(chat.world.workspace.runs.delivery("r1")).toEqual({ type: "queued" });
  expect(chat.stopped).toEqual([]);
});

test("a run on its way is withdrawn, and stopped where that is too late", async () => {
  const chat = aChat();
  chat.world.setDelivery("r1", { type: "sending" });
  chat.end();
  expect(chat.world.workspace.runs.delivery("r1")).toBeUndefined();
  await Promise.resolve();
  expect(chat.stopped).toEqual([]);

  chat.world.setDelivery("r1", { type: "sending" });
  chat.world.refuseCancel();
  chat.end();
  await expect.poll(() => chat.stopped).toEqual(["r1"]);
});

test("an answer being written is stopped, one that ended is left alone", () => {
  const writing = aChat();
  writing.world.answer(writing.id, { text: "Half", status: "streaming" });
  writing.end();
  expect(writing.stopped).toEqual(["r1"]);

  const ended = aChat();
  ended.world.answer(ended.id, { text: "Whole", status: "completed" });
  ended.end();
  expect(ended.stopped).toEqual([]);
});
