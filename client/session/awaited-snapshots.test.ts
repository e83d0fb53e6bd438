import { expect, test } from "vitest";
import type { LocalDocument } from "#client/local-store/local-document.ts";
import type { TakenSnapshot } from "#client/local-store/snapshots.ts";
import { awaitSnapshot, awaitedSnapshots } from "#shared/documents/awaited-snapshot.ts";
import type { MessageId, SnapshotId } from "#shared/domain/ids.ts";
import { inMemoryWorkspace } from "#tests/support/in-memory-workspace.ts";
import { takeAwaited } from "./awaited-snapshots.ts";

const RUN = "run-1";
const PLANNED = "planned" as SnapshotId;
const SETTINGS = { model: "t/small", systemPrompt: "", parameters: {} };
const settled = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve));

/** A chat whose prompt waits for its answer, of which a snapshot is to be taken; nobody shows it. */
function aScene() {
  const world = inMemoryWorkspace();
  const id = world.newConversationId();
  const { conversation } = world.workspace.documents.open(id);
  const plannedRun = { runId: RUN, messageId: "answer-1", model: "t/small" };
  conversation.addPrompt({ id: "q1" as MessageId, parentId: undefined, text: "Why tides?", createdAt: 1, plannedRun });
  awaitSnapshot(conversation, {
    runId: RUN,
    snapshotId: PLANNED,
    of: "s" as SnapshotId,
    title: "Again",
    settings: SETTINGS,
  });
  const taken: TakenSnapshot[] = [];
  const snapshots = {
    take: async (one: TakenSnapshot) => {
      taken.push(one);
      return one.id ?? PLANNED;
    },
    isKept: () => true,
    subscribe: () => () => undefined,
  };
  const closing = new AbortController();
  const page = new AbortController();
  takeAwaited(
    { onOpened: (callback) => callback({ id, conversation } as LocalDocument, closing.signal) },
    { snapshots, runs: world.workspace.runs, author: "account-1" },
    page.signal,
  );
  const answer = (text: string): string => world.answer(id, { text, status: "completed" });
  return { conversation, taken, answer, closing, page };
}

test("in a conversation that is open for whatever reason, what waits is taken when its answer is there", async () => {
  const { conversation, taken, answer } = aScene();
  await settled();
  expect(taken).toEqual([]);
  answer("The Moon.");
  await settled();
  expect(taken.map(({ id, title, content }) => [id, title, content.manifest.settings])).toEqual([
    [PLANNED, "Again", SETTINGS],
  ]);
  expect(awaitedSnapshots(conversation)).toEqual([]);
});

test.each(["closing", "page"] as const)("once the %s is over nothing is taken, and it waits on", async (ends) => {
  const scene = aScene();
  scene[ends].abort();
  scene.answer("The Moon.");
  await settled();
  expect(scene.taken).toEqual([]);
  expect(awaitedSnapshots(scene.conversation)).toHaveLength(1);
});
