import { expect, test } from "vitest";
import * as Y from "yjs";
import type { MessageId } from "#shared/domain/ids.ts";
import type { RunStatus } from "#shared/domain/run.ts";
import { openConversation } from "./conversation.ts";
import type { ConversationDocument } from "./conversation.ts";
import { copyConversation } from "./copy-conversation.ts";
import { appendAnswer, startAnswer } from "./write-answer.ts";

const id = (name: string): MessageId => name as MessageId;
const empty = (): ConversationDocument => openConversation(new Y.Doc(), "edit");

function ask(conversation: ConversationDocument, name: string, parent?: string): void {
  const plannedRun = { runId: `run-${name}`, messageId: `answer-${name}`, model: "m" };
  const parentId = parent === undefined ? undefined : id(parent);
  conversation.addPrompt({ id: id(name), parentId, text: `ask ${name}`, createdAt: 1, plannedRun });
}

function answer(conversation: ConversationDocument, name: string, status: RunStatus): void {
  const run = { runId: `run-${name}`, model: "m", parameters: {}, status, frame: 0, queuedAt: 1 };
  startAnswer(conversation, { id: id(`answer-${name}`), parentId: id(name), createdAt: 2, run });
  const progress = { text: `said ${name}`, reasoning: "because", run: { ...run, frame: 1 } };
  appendAnswer(conversation, id(`answer-${name}`), progress);
}

test("a copy has the messages and versions, the branch shown, the settings and the draft", () => {
  const from = empty();
  ask(from, "a");
  answer(from, "a", "completed");
  ask(from, "b", "answer-a");
  ask(from, "c", "answer-a");
  from.chooseBranch("answer-a", id("b"));
  from.setSystemPrompt("Be brief.");
  from.chooseModel("m");
  from.setParameter("topP", 0.5);
  from.setTag("sea", true);
  from.setDraft("and then");
  from.setDeleted(true);
  const into = empty();
  copyConversation(from, into, { title: "Tides (recovered)", newRunId: () => "new" });
  expect(into.branch().map(({ text }) => text)).toEqual(["ask a", "said a", "ask b"]);
  expect(into.siblings(into.message("b")!).map((one) => one.id)).toEqual(["b", "c"]);
  expect(into.message("answer-a")).toEqual(from.message("answer-a"));
  expect(into.settings()).toEqual(from.settings());
  expect(into.draft.toString()).toBe("and then");
  expect(into.summary()).toMatchObject({ title: "Tides (recovered)", tags: ["sea"], deleted: false, messageCount: 4 });
});

test("nobody writes on in a copy, and what was asked for and not begun is asked for anew", () => {
  const from = empty();
  ask(from, "a");
  answer(from, "a", "streaming");
  ask(from, "b", "answer-a");
  const into = empty();
  copyConversation(from, into, { title: "", newRunId: () => "new" });
  expect(into.message("answer-a")).toMatchObject({ text: "said a", run: undefined });
  expect(into.message("a")).toMatchObject({ plannedRun: { runId: "run-a" } });
  expect(into.message("b")).toMatchObject({ plannedRun: { runId: "new", messageId: "answer-b", model: "m" } });
});
