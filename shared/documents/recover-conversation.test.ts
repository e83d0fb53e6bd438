import { expect, test } from "vitest";
import * as Y from "yjs";
import type { MessageId } from "#shared/domain/ids.ts";
import { openConversation } from "./conversation.ts";
import { recoverConversation } from "./recover-conversation.ts";
import { appendAnswer, startAnswer } from "./write-answer.ts";

const open = () => openConversation(new Y.Doc(), "edit");
const prompt = (id: string, text: string, parentId?: string) => ({
  id: id as MessageId,
  parentId: parentId as MessageId | undefined,
  text,
  createdAt: 1,
});
let made = 0;
const newId = (): MessageId => `new-${(made += 1)}` as MessageId;
const texts = (conversation: ReturnType<typeof open>): string[] =>
  [...conversation.messages()].map(({ text }) => text).toSorted();

test("C9: a message that is missing comes back under its id, where it was", () => {
  const [mine, theirs] = [open(), open()];
  for (const one of [mine, theirs]) one.addPrompt(prompt("a", "first"));
  mine.addPrompt(prompt("b", "second", "a"));
  recoverConversation(mine, theirs, newId);
  expect(theirs.branch().map(({ id, text }) => [id, text])).toEqual([
    ["a", "first"],
    ["b", "second"],
  ]);
});

test("C9: a text that differs becomes a sibling that starts no run; nothing is taken away", () => {
  const [mine, theirs] = [open(), open()];
  const plannedRun = { runId: "r", messageId: "m", model: "x" };
  mine.addPrompt({ ...prompt("a", "my words"), plannedRun });
  theirs.addPrompt({ ...prompt("a", "their words"), plannedRun });
  recoverConversation(mine, theirs, newId);
  expect(texts(theirs)).toEqual(["my words", "their words"]);
  const planned = [...theirs.messages()].filter((message) => message.role === "user" && message.plannedRun);
  expect(planned.map(({ text }) => text)).toEqual(["their words"]);
});

test("C9: a draft is put below the draft, tags join, and what is set already stays", () => {
  const [mine, theirs] = [open(), open()];
  mine.setDraft("half a thought");
  theirs.setDraft("another one");
  mine.setTag("work", true);
  mine.rename("Mine");
  theirs.rename("Theirs");
  mine.setSystemPrompt("Be brief");
  recoverConversation(mine, theirs, newId);
  expect(theirs.draft.toString()).toBe("another one\n\nhalf a thought");
  expect(theirs.summary()).toMatchObject({ title: "Theirs", tags: ["work"] });
  expect(theirs.settings().systemPrompt).toBe("Be brief");
});

test("C9: an answer that is only shorter here is not told twice, and repeating changes nothing", () => {
  const [mine, theirs] = [open(), open()];
  for (const one of [mine, theirs]) one.addPrompt(prompt("a", "question"));
  const run = { runId: "r", model: "x", parameters: {}, status: "streaming", frame: 0, queuedAt: 1 } as const;
  for (const one of [mine, theirs])
    startAnswer(one, { id: "b" as MessageId, parentId: "a" as MessageId, createdAt: 1, run });
  appendAnswer(mine, "b" as MessageId, { text: "One", reasoning: "", run: { ...run, frame: 1 } });
  appendAnswer(theirs, "b" as MessageId, { text: "One two", reasoning: "", run: { ...run, frame: 2 } });
  mine.setDraft("draft");
  recoverConversation(mine, theirs, newId);
  const once = Y.encodeStateVector(theirs.doc);
  recoverConversation(mine, theirs, newId);
  expect(texts(theirs)).toEqual(["One two", "question"]);
  expect(Y.encodeStateVector(theirs.doc)).toEqual(once);
});

test("C9: a copy without a title that has nothing to bring makes no edit at all", () => {
  const [mine, theirs] = [open(), open()];
  mine.addPrompt(prompt("a", "question"));
  Y.applyUpdate(theirs.doc, Y.encodeStateAsUpdate(mine.doc));
  const edits: Uint8Array[] = [];
  theirs.doc.on("update", (update: Uint8Array) => edits.push(update));
  recoverConversation(mine, theirs, newId);
  expect(edits).toEqual([]);
});
