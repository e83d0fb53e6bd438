import fc from "fast-check";
import { expect, test } from "vitest";
import * as Y from "yjs";
import type { MessageId } from "#shared/domain/ids.ts";
import type { RunFacts } from "#shared/domain/run.ts";
import { canonicalContent, contentDigest } from "./canonical-content.ts";
import { CONVERSATION_SCHEMA, openConversation } from "./conversation.ts";
import { appendAnswer, startAnswer } from "./write-answer.ts";

const id = (text: string): MessageId => text as MessageId;
const aConversation = () => openConversation(new Y.Doc(), "test");
const facts = (frame: number, status: RunFacts["status"] = "streaming"): RunFacts => ({
  runId: "r1",
  model: "m",
  parameters: {},
  status,
  frame,
  queuedAt: 1,
});
const plan = (n: number) => ({ runId: `r${n}`, messageId: `a${n}`, model: "m" });
const sync = (from: Y.Doc, to: Y.Doc): void => Y.applyUpdate(to, Y.encodeStateAsUpdate(from, Y.encodeStateVector(to)));

test("sending takes the draft and plans the run in one update", () => {
  const chat = aConversation();
  chat.setDraft("Hello");
  const updates: Uint8Array[] = [];
  chat.doc.on("update", (update: Uint8Array) => updates.push(update));
  const plannedRun = { runId: "r1", messageId: "a1", model: "m" };
  chat.addPrompt({ id: id("u1"), parentId: undefined, text: "Hello", createdAt: 5, plannedRun, takesDraft: true });
  expect(updates).toHaveLength(1);
  expect(chat.draft.toJSON()).toBe("");
  expect(chat.branch()).toMatchObject([{ id: "u1", role: "user", text: "Hello", createdAt: 5, plannedRun }]);
});

test("a regenerated answer is a sibling and is shown; the older one can be shown again", () => {
  const chat = aConversation();
  chat.addPrompt({ id: id("u1"), parentId: undefined, text: "Q", createdAt: 1 });
  startAnswer(chat, { id: id("a1"), parentId: id("u1"), createdAt: 2, run: facts(0) });
  startAnswer(chat, { id: id("a2"), parentId: id("u1"), createdAt: 3, run: facts(0) });
  expect(chat.branch().map((message) => message.id)).toEqual(["u1", "a2"]);
  chat.chooseBranch("u1", id("a1"));
  expect(chat.branch().map((message) => message.id)).toEqual(["u1", "a1"]);
  expect(chat.siblings(chat.branch()[1]!).map((message) => message.id)).toEqual(["a1", "a2"]);
});

test("prompts that wait in a row hang below each other, and keep their places when the answers come", () => {
  const chat = aConversation();
  chat.addPrompt({ id: id("u1"), parentId: undefined, text: "1", createdAt: 1, plannedRun: plan(1) });
  chat.addPrompt({ id: id("u2"), parentId: id("a1"), text: "2", createdAt: 2, plannedRun: plan(2) });
  chat.addPrompt({ id: id("u3"), parentId: id("a2"), text: "3", createdAt: 3, plannedRun: plan(3) });
  const shown = () => chat.branch().map((message) => message.id);
  expect(shown()).toEqual(["u1", "u2", "u3"]);
  expect(chat.siblings(chat.message("u2")!)).toHaveLength(1);
  startAnswer(chat, { id: id("a1"), parentId: id("u1"), createdAt: 4, run: facts(0) });
  expect(shown()).toEqual(["u1", "a1", "u2", "u3"]);
});

test("a prompt taken out of a row leaves the others where they were", () => {
  const chat = aConversation();
  chat.addPrompt({ id: id("u0"), parentId: undefined, text: "0", createdAt: 1 });
  chat.addPrompt({ id: id("u1"), parentId: id("u0"), text: "1", createdAt: 1, plannedRun: plan(1) });
  chat.addPrompt({ id: id("u2"), parentId: id("a1"), text: "2", createdAt: 2, plannedRun: plan(2) });
  chat.addPrompt({ id: id("u3"), parentId: id("a2"), text: "3", createdAt: 3, plannedRun: plan(3) });
  chat.removeMessage(id("u1"));
  expect(chat.branch().map((message) => message.id)).toEqual(["u0", "u2", "u3"]);
});

test("a checkpoint applied twice appends its text once", () => {
  const chat = aConversation();
  startAnswer(chat, { id: id("a1"), parentId: id("u1"), createdAt: 2, run: facts(0) });
  const progress = { text: "Hello", reasoning: "hm", run: facts(3) };
  expect(appendAnswer(chat, id("a1"), progress)).toBe(true);
  expect(appendAnswer(chat, id("a1"), progress)).toBe(false);
  expect(chat.message("a1")).toMatchObject({ text: "Hello", reasoning: "hm", run: { frame: 3 } });
});

test("an answer that somebody removed is not started again, also on a copy that was folded", () => {
  const chat = aConversation();
  const answer = { id: id("a1"), parentId: id("u1"), createdAt: 2, run: facts(0) };
  chat.addPrompt({ id: id("u1"), parentId: undefined, text: "Q", createdAt: 1 });
  startAnswer(chat, answer);
  chat.removeMessage(id("a1"));
  const folded = new Y.Doc();
  sync(chat.doc, folded);
  for (const copy of [chat, openConversation(folded, "test")]) {
    startAnswer(copy, answer);
    expect(copy.message("a1")).toBeUndefined();
  }
});

test("a checkpoint writes nothing into a deleted message or into another run's message", () => {
  const chat = aConversation();
  startAnswer(chat, { id: id("a1"), parentId: id("u1"), createdAt: 2, run: facts(0) });
  const foreign = { ...facts(9), runId: "other" };
  expect(appendAnswer(chat, id("a1"), { text: "x", reasoning: "", run: foreign })).toBe(false);
  chat.removeMessage(id("a1"));
  expect(appendAnswer(chat, id("a1"), { text: "x", reasoning: "", run: facts(9) })).toBe(false);
  expect(chat.message("a1")).toBeUndefined();
});

test("fields of meta and settings changed on two devices merge one by one", () => {
  const [a, b] = [aConversation(), aConversation()];
  a.rename("Plan");
  a.setParameter("temperature", 0.5);
  b.setPinned(true);
  b.setSystemPrompt("Be brief.");
  sync(a.doc, b.doc);
  sync(b.doc, a.doc);
  for (const chat of [a, b]) {
    expect(chat.summary()).toMatchObject({ title: "Plan", pinned: true });
    expect(chat.settings()).toMatchObject({ systemPrompt: "Be brief.", parameters: { temperature: 0.5 } });
  }
  expect(canonicalContent(a.doc)).toBe(canonicalContent(b.doc));
});

test("what this version does not understand is skipped and kept", () => {
  const chat = aConversation();
  chat.doc.getMap("messages").set("x", new Y.Map([["role", "tool"]]));
  chat.doc.getMap("messages").set("y", "not a map");
  chat.doc.getMap("meta").set("colour", "red");
  chat.rename("Kept");
  expect([...chat.messages()]).toEqual([]);
  expect(chat.doc.getMap("meta").get("colour")).toBe("red");
  expect(chat.schemaVersion()).toBe(CONVERSATION_SCHEMA);
});

test("an edit that changes nothing writes nothing", () => {
  const chat = aConversation();
  chat.rename("Same");
  let updates = 0;
  chat.doc.on("update", () => updates++);
  chat.rename("Same");
  chat.setDraft("");
  chat.setPinned(true);
  chat.setPinned(true);
  expect(updates).toBe(1);
});

test("listeners learn which messages changed, and cached messages equal a fresh reading", () => {
  const chat = aConversation();
  const changes: string[][] = [];
  chat.subscribe((change) => changes.push([...change.messages]));
  chat.addPrompt({ id: id("u1"), parentId: undefined, text: "Q", createdAt: 1 });
  startAnswer(chat, { id: id("a1"), parentId: id("u1"), createdAt: 2, run: facts(0) });
  appendAnswer(chat, id("a1"), { text: "A", reasoning: "", run: facts(1) });
  chat.setDraft("next");
  expect(changes).toEqual([["u1"], ["a1"], ["a1"], []]);
  expect([...openConversation(chat.doc, "fresh").messages()]).toEqual([...chat.messages()]);
});

test("a cycle of parents made by a hostile writer does not hang the branch", () => {
  const chat = aConversation();
  chat.addPrompt({ id: id("u1"), parentId: id("u2"), text: "1", createdAt: 1 });
  chat.addPrompt({ id: id("u2"), parentId: id("u1"), text: "2", createdAt: 1 });
  expect(chat.branch()).toEqual([]);
});

test("the draft's words name a conversation that has no message yet", () => {
  const chat = aConversation();
  chat.setDraft("  Where do\nwhales sleep? ");
  expect(chat.summary()).toMatchObject({ excerpt: "Where do whales sleep?", messageCount: 0 });
});

test("copies with equal content have equal digests, whatever order the updates came in", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(1), fc.constantFrom("a", "b", "c"), fc.string()), { maxLength: 20 }),
      (edits) => {
        const docs = [aConversation(), aConversation()] as const;
        for (const [who, key, value] of edits) {
          docs[who as 0 | 1].setTag(key, value.length % 2 === 0);
          docs[who as 0 | 1].setDraft(value);
        }
        sync(docs[0].doc, docs[1].doc);
        sync(docs[1].doc, docs[0].doc);
        expect(contentDigest(docs[0].doc)).toEqual(contentDigest(docs[1].doc));
      },
    ),
  );
});

test("a key named __proto__ is content like any other", () => {
  const doc = new Y.Doc();
  doc.getMap("meta").set("__proto__", "x");
  expect(canonicalContent(doc)).toContain("__proto__");
  expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
});

test("the digest reads every value Yjs can store, a BigInt among them", () => {
  const doc = new Y.Doc();
  doc.getMap("meta").set("big", 2n ** 62n);
  const before = contentDigest(doc);
  doc.getMap("meta").set("big", 2n ** 62n + 1n);
  expect(contentDigest(doc)).not.toEqual(before);
});

test("words put before a draft on two devices at once leave what it says there once", () => {
  const [one, other] = [new Y.Doc(), new Y.Doc()];
  const chats = [one, other].map((doc) => openConversation(doc, "test"));
  chats[0]?.setDraft("typed before");
  Y.applyUpdate(other, Y.encodeStateAsUpdate(one));
  chats[0]?.putBeforeDraft("taken back");
  chats[1]?.putBeforeDraft("taken back too");
  chats[1]?.draft.insert(chats[1].draft.length, ", and after");
  Y.applyUpdate(other, Y.encodeStateAsUpdate(one));
  Y.applyUpdate(one, Y.encodeStateAsUpdate(other));
  const texts = chats.map(({ draft }) => draft.toString());
  expect(texts[0]).toBe(texts[1]);
  expect(texts[0]?.split("\n\n").toSorted()).toEqual(["taken back", "taken back too", "typed before, and after"]);
});

test("words put before an empty draft are the draft", () => {
  const chat = openConversation(new Y.Doc(), "test");
  chat.putBeforeDraft("taken back");
  expect(chat.draft.toString()).toBe("taken back");
});
