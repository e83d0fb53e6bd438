import { expect, test } from "vitest";
import { inMemoryWorkspace } from "#tests/support/in-memory-workspace.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import { activeOf } from "./use-branch-activity.ts";

function aChat() {
  const world = inMemoryWorkspace();
  const open = world.workspace.documents.open(world.newConversationId());
  const { conversation } = open;
  const ask = (text: string): void =>
    conversation.addPrompt({
      id: world.workspace.newId() as MessageId,
      parentId: conversation.branch().at(-1)?.id,
      text,
      createdAt: 0,
      plannedRun: { runId: `run-${text}`, messageId: world.workspace.newId(), model: "t/m" },
    });
  const active = () => activeOf(conversation.branch(), conversation, world.workspace.runs);
  return { world, open, ask, active };
}

test("an ended answer that is still paused offers its resume, and nothing to stop", () => {
  const { world, open, ask, active } = aChat();
  ask("One");
  const runId = world.answer(open.id, { text: "Whole", status: "completed" });
  expect(active()).toBeUndefined();
  world.setLive(runId, { paused: true });
  expect(active()).toEqual({ runId, paused: true, stopping: false, ended: true });
});

test("the answer being written comes before an ended one that is still paused", () => {
  const { world, open, ask, active } = aChat();
  ask("One");
  world.setLive(world.answer(open.id, { text: "Whole", status: "completed" }), { paused: true });
  ask("Two");
  const runId = world.answer(open.id, { text: "Half", status: "streaming" });
  expect(active()).toEqual({ runId, paused: false, stopping: false, ended: false });
});
