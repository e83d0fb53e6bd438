import { expect, test } from "vitest";
import { Callbacks } from "#client/platform/callbacks.ts";
import type { TakenSnapshot } from "#client/local-store/snapshots.ts";
import { watchAwaited } from "#client/session/awaited-snapshots.ts";
import { answerOf, answerProgress } from "#client/session/awaited-state.ts";
import { awaitedSnapshots } from "#shared/documents/awaited-snapshot.ts";
import { freezeConversation } from "#shared/documents/freeze-conversation.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { ConversationId, MessageId, SnapshotId } from "#shared/domain/ids.ts";
import { inMemoryWorkspace } from "#tests/support/in-memory-workspace.ts";
import { rerun } from "./rerun.ts";
import { modelToAsk, rerunView } from "./rerun-state.ts";
import { startComparing, summaryOf } from "./compare-state.ts";
import { appendAnswer, startAnswer } from "#shared/documents/write-answer.ts";

const SNAPSHOT = "snapshot-1" as SnapshotId;

/** A chat of one prompt and its answer, and what was frozen of it. */
function aSnapshot() {
  const world = inMemoryWorkspace();
  const conversationId = world.newConversationId();
  const open = world.workspace.documents.open(conversationId);
  const { conversation } = open;
  conversation.setSystemPrompt("Be brief.");
  conversation.setParameter("temperature", 0.5);
  const plannedRun = { runId: "run-1", messageId: "answer-1", model: "t/m" };
  conversation.addPrompt({ id: "q1" as MessageId, parentId: undefined, text: "Why tides?", createdAt: 1, plannedRun });
  world.answer(conversationId, { text: "The Moon.", status: "completed" });
  const content = freeze(world, conversationId);
  const taken: TakenSnapshot[] = [];
  /** whether what is taken can be stored */
  const disk = { full: false };
  const changes = new Callbacks();
  const snapshots = {
    take: async (one: TakenSnapshot) => {
      taken.push(one);
      return one.id ?? SNAPSHOT;
    },
    isKept: () => taken.length > 0 && !disk.full,
    subscribe: (listener: () => void) => changes.add(listener),
  };
  const again = () =>
    rerun(world.workspace, {
      snapshotId: SNAPSHOT,
      contentId: "c",
      conversationId,
      content,
      model: "t/small",
      title: "Again",
    });
  const watch = (id: ConversationId = conversationId): (() => void) =>
    watchAwaited(world.workspace.documents.open(id), { snapshots, runs: world.workspace.runs, author: "account-1" });
  return { world, conversationId, conversation, content, taken, disk, changed: changes.callAll, again, watch };
}

function freeze(world: ReturnType<typeof inMemoryWorkspace>, id: ConversationId): FrozenContent {
  const frozen = freezeConversation(world.workspace.documents.open(id).conversation, { author: "account-1" });
  if (!frozen.ok) throw new Error(frozen.failure);
  return frozen.value;
}

const settled = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve));

test("the same is asked of another model, beside the answer there is, with the parameters that were frozen", async () => {
  const { world, conversation, conversationId, again } = aSnapshot();
  conversation.setParameter("temperature", 2);
  const asked = await again();
  expect(asked).toMatchObject({ ok: true, value: { conversationId } });
  expect(world.delivered).toMatchObject([
    { parentMessageId: "q1", model: "t/small", parameters: { temperature: 0.5 }, conversationId },
  ]);
  expect(conversation.settings()).toMatchObject({ model: "", parameters: { temperature: 2 } });
});

test("once the run has ended, the branch is taken as a snapshot, once, under the id that was made before", async () => {
  const { world, conversation, conversationId, content, taken, again, watch } = aSnapshot();
  const asked = await again();
  if (!asked.ok) throw new Error(asked.failure);
  const stops = [watch(), watch()];
  await settled();
  expect(taken).toEqual([]);
  startAnswer(conversation, {
    id: world.delivered[0]!.messageId as MessageId,
    parentId: "q1" as MessageId,
    createdAt: 5,
    run: { runId: asked.value.runId, model: "t/small", parameters: {}, status: "streaming", frame: 0, queuedAt: 1 },
  });
  await settled();
  expect(taken).toEqual([]);
  appendAnswer(conversation, world.delivered[0]!.messageId as MessageId, {
    text: "The Moon and the Sun.",
    reasoning: "",
    run: { runId: asked.value.runId, model: "t/small", parameters: {}, status: "completed", frame: 1, queuedAt: 1 },
  });
  await settled();
  expect(new Set(taken.map(({ id }) => id))).toEqual(new Set([asked.value.snapshotId]));
  expect(awaitedSnapshots(conversation)).toEqual([]);
  for (const stop of stops) stop();
  const again2 = watch();
  await settled();
  again2();
  expect(taken.length).toBeLessThanOrEqual(2);
  expect(taken[0]).toMatchObject({ conversationId, title: "Again" });
  expect(taken[0]!.content.manifest.settings).toEqual({ ...content.manifest.settings, model: "t/small" });
  const comparing = startComparing(content, taken[0]!.content);
  while (comparing.steps.next().done !== true);
  expect(summaryOf(comparing.now())).toMatchObject({ messages: { same: 1, changed: 1 }, settings: ["model"] });
});

test("what was planned is forgotten only once the snapshot is stored, which a full device may not be able to", async () => {
  const { world, conversation, taken, disk, changed, again, watch } = aSnapshot();
  const asked = await again();
  if (!asked.ok) throw new Error(asked.failure);
  disk.full = true;
  const stop = watch();
  startAnswer(conversation, {
    id: world.delivered[0]!.messageId as MessageId,
    parentId: "q1" as MessageId,
    createdAt: 5,
    run: { runId: asked.value.runId, model: "t/small", parameters: {}, status: "streaming", frame: 0, queuedAt: 1 },
  });
  appendAnswer(conversation, world.delivered[0]!.messageId as MessageId, {
    text: "The Moon and the Sun.",
    reasoning: "",
    run: { runId: asked.value.runId, model: "t/small", parameters: {}, status: "completed", frame: 1, queuedAt: 1 },
  });
  await settled();
  expect(taken.map(({ id }) => id)).toEqual([asked.value.snapshotId]);
  expect(awaitedSnapshots(conversation)).toMatchObject([{ runId: asked.value.runId }]);
  disk.full = false;
  changed();
  await settled();
  expect(awaitedSnapshots(conversation)).toEqual([]);
  stop();
});

test("where the chat is gone, or says something else to the model by now, it is asked in a chat of its own", async () => {
  for (const change of ["delete", "system prompt"]) {
    const { world, conversation, conversationId, content, again } = aSnapshot();
    if (change === "delete") conversation.setDeleted(true);
    else conversation.setSystemPrompt("Be kind.");
    const asked = await again();
    if (!asked.ok) throw new Error(asked.failure);
    expect(asked.value.conversationId).not.toBe(conversationId);
    const other = world.workspace.documents.open(asked.value.conversationId).conversation;
    expect(other.branch().map(({ text }) => text)).toEqual(["Why tides?"]);
    expect(other.settings()).toEqual({ ...content.manifest.settings, model: "t/small" });
    expect(other.summary().title).toBe("Again");
    expect(other.origin()).toEqual({ snapshotId: SNAPSHOT, contentId: "c" });
    expect(awaitedSnapshots(conversation)).toEqual([]);
  }
});

test("what is being asked already is not asked twice, and what asks nothing is not asked", async () => {
  const { world, content, conversationId, again } = aSnapshot();
  const first = await again();
  if (!first.ok) throw new Error(first.failure);
  world.setDelivery(first.value.runId, { type: "queued" });
  expect(await again()).toEqual({ ok: false, failure: "busy" });
  const nothing = { manifest: content.manifest, messages: content.messages.slice(1) };
  expect(
    await rerun(world.workspace, {
      snapshotId: SNAPSHOT,
      contentId: "c",
      conversationId,
      content: nothing,
      model: "t/m",
      title: "",
    }),
  ).toEqual({ ok: false, failure: "no-prompt" });
});

test("a run that was refused, or wrote nothing, leaves nothing to wait for", async () => {
  const { world, conversation, taken, again, watch } = aSnapshot();
  const asked = await again();
  if (!asked.ok) throw new Error(asked.failure);
  const stop = watch();
  expect(awaitedSnapshots(conversation)).toHaveLength(1);
  world.setDelivery(asked.value.runId, { type: "refused", code: "model_unknown" });
  await settled();
  expect(awaitedSnapshots(conversation)).toEqual([]);
  expect(taken).toEqual([]);
  stop();
});

test("what is told of it goes from queued to answering to taken, as delivery and answer go", async () => {
  const { world, conversation, again } = aSnapshot();
  const asked = await again();
  if (!asked.ok) throw new Error(asked.failure);
  const { runId } = asked.value;
  const view = (): string => {
    const awaited = awaitedSnapshots(conversation).some((one) => one.runId === runId);
    const answer = answerProgress(answerOf(conversation.messages(), runId));
    return rerunView({ awaited, answer, delivery: world.workspace.runs.delivery(runId) }).type;
  };
  world.setDelivery(runId, { type: "queued" });
  expect(view()).toBe("queued");
  world.setDelivery(runId, { type: "sending" });
  expect(view()).toBe("answering");
  world.setDelivery(runId, undefined);
  expect(view()).toBe("answering");
  const id = world.delivered[0]!.messageId as MessageId;
  const run = { runId, model: "t/small", parameters: {}, status: "streaming", frame: 0, queuedAt: 1 } as const;
  startAnswer(conversation, { id, parentId: "q1" as MessageId, createdAt: 5, run });
  expect(view()).toBe("answering");
  appendAnswer(conversation, id, { text: "The Sun.", reasoning: "", run: { ...run, status: "completed", frame: 1 } });
  expect(view()).toBe("taking");
});

test.each([
  ["refused", { awaited: false, answer: "none", delivery: { type: "refused", code: "expired" } }],
  ["model_unknown", { awaited: true, answer: "none", delivery: { type: "refused", code: "model_unknown" } }],
  ["empty", { awaited: false, answer: "empty", delivery: undefined }],
  ["unknown", { awaited: false, answer: "none", delivery: undefined }],
] as const)("where nothing comes of it, it is said why: %s", (because, facts) => {
  expect(rerunView(facts)).toEqual({ type: "dropped", because });
});

test("a model that did not answer before is proposed, where there is one", () => {
  const offered = [{ id: "a" }, { id: "b" }];
  expect(modelToAsk(offered, "a")).toBe("b");
  expect(modelToAsk(offered, "gone")).toBe("a");
  expect(modelToAsk([{ id: "a" }], "a")).toBe("a");
  expect(modelToAsk([], "a")).toBeUndefined();
});
