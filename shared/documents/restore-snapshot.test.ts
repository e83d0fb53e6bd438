import fc from "fast-check";
import { expect, test } from "vitest";
import * as Y from "yjs";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import { openConversation } from "./conversation.ts";
import type { ConversationDocument } from "./conversation.ts";
import { freezeConversation } from "./freeze-conversation.ts";
import { restoreSnapshot } from "./restore-snapshot.ts";
import type { RestoreOptions, Restored } from "./restore-snapshot.ts";
import { appendAnswer, startAnswer } from "./write-answer.ts";

const id = (name: string): MessageId => name as MessageId;
const ORIGIN = { snapshotId: "snapshot-1", contentId: "content-1" };
const empty = (): ConversationDocument => openConversation(new Y.Doc(), "edit");

let ids = 0;
const restore = (into: ConversationDocument, content: FrozenContent, more: Partial<RestoreOptions> = {}): Restored =>
  restoreSnapshot(into, content, { origin: ORIGIN, newId: () => `new-${ids++}`, settings: "taken-over", ...more });

function freeze(conversation: ConversationDocument): FrozenContent {
  const frozen = freezeConversation(conversation, { author: "me" });
  if (!frozen.ok) throw new Error(frozen.failure);
  return frozen.value;
}

function ask(conversation: ConversationDocument, name: string, parent?: string): void {
  const parentId = parent === undefined ? undefined : id(parent);
  conversation.addPrompt({ id: id(name), parentId, text: `ask ${name}`, createdAt: 1 });
}

function answer(conversation: ConversationDocument, name: string, parent: string): void {
  const run = {
    runId: `run-${name}`,
    model: "t/m",
    parameters: { topP: 0.5 },
    status: "completed",
    queuedAt: 1,
  } as const;
  startAnswer(conversation, { id: id(name), parentId: id(parent), createdAt: 2, run: { ...run, frame: 0 } });
  const end = {
    ...run,
    frame: 7,
    endedAt: 9,
    receipt: "a.b.c",
    usage: { outputTokens: 3, source: "provider" } as const,
  };
  appendAnswer(conversation, id(name), { text: `said ${name}`, reasoning: "because", run: end });
}

/** Two turns: q1, a1, q2, a2. */
function aConversation(): ConversationDocument {
  const conversation = empty();
  ask(conversation, "q1");
  answer(conversation, "a1", "q1");
  ask(conversation, "q2", "a1");
  answer(conversation, "a2", "q2");
  conversation.chooseModel("t/m");
  conversation.setSystemPrompt("Be brief.");
  conversation.setParameter("temperature", 0.5);
  return conversation;
}

const shown = (conversation: ConversationDocument): string[] => conversation.branch().map((one) => one.id);
const texts = (conversation: ConversationDocument): string[] => conversation.branch().map(({ text }) => text);
/** What was frozen, without what a restore has to change. */
const bare = ({ manifest, messages }: FrozenContent): unknown => ({
  settings: manifest.settings,
  messages: messages.map(({ id: _id, previous: _previous, ...message }) => message),
});

test("what is as it was is shown again, and nothing is added", () => {
  const conversation = aConversation();
  const content = freeze(conversation);
  ask(conversation, "other");
  expect(texts(conversation)).toEqual(["ask other"]);
  expect(restore(conversation, content)).toEqual({ leaf: "a2", added: 0 });
  expect(shown(conversation)).toEqual(["q1", "a1", "q2", "a2"]);
});

test("settings come back, unless they are to be kept, and the origin is named", () => {
  const conversation = aConversation();
  const content = freeze(conversation);
  const change = (): void => {
    conversation.chooseModel("t/n");
    conversation.setSystemPrompt("");
    conversation.setParameter("temperature", undefined);
    conversation.setParameter("topP", 1);
  };
  change();
  const changed = conversation.settings();
  restore(conversation, content, { settings: "kept" });
  expect(conversation.settings()).toEqual(changed);
  restore(conversation, content);
  expect(conversation.settings()).toEqual(content.manifest.settings);
  expect(conversation.origin()).toEqual(ORIGIN);
});

test("a branch that went on ends again where the snapshot does, beside what followed", () => {
  const conversation = aConversation();
  const content = freeze(conversation);
  ask(conversation, "q3", "a2");
  expect(restore(conversation, content)).toMatchObject({ added: 1 });
  expect(bare(freeze(conversation))).toEqual(bare(content));
  expect(conversation.message("q3")).toMatchObject({ parentId: "a2" });
  expect(restore(conversation, content)).toMatchObject({ added: 0 });
});

test("a branch that is to go on is not copied for what follows it", () => {
  const conversation = aConversation();
  const content = freeze(conversation);
  ask(conversation, "q3", "a2");
  expect(restore(conversation, content, { end: "open" })).toEqual({ leaf: "a2", added: 0 });
});

test("what has other words now stays beside the copy, which has a new id; what is gone comes back under its own", () => {
  const conversation = aConversation();
  const content = freeze(conversation);
  conversation.rewritePrompt(id("q2"), "in other words");
  conversation.removeMessage(id("a2"));
  expect(restore(conversation, content).added).toBe(2);
  const [first, second, third, last] = shown(conversation);
  expect([first, second, last]).toEqual(["q1", "a1", "a2"]);
  expect(third).toMatch(/^new-/);
  expect(conversation.message("q2")).toMatchObject({ text: "in other words", parentId: "a1" });
  expect(conversation.message("a2")).toMatchObject({ parentId: third });
});

test("an answer comes back with all that is known of its run, at rest", () => {
  const content = freeze(aConversation());
  const conversation = empty();
  restore(conversation, content);
  expect(conversation.message("a2")).toMatchObject({ run: { status: "completed", receipt: "a.b.c", endedAt: 9 } });
  expect(conversation.message("q2")).toMatchObject({ plannedRun: undefined });
  expect({ ...freeze(conversation).manifest, origin: undefined }).toEqual({ ...content.manifest, origin: undefined });
});

test("two devices that restore the same at once agree, and what was there is there", () => {
  const here = aConversation();
  const content = freeze(here);
  here.removeMessage(id("a2"));
  const there = openConversation(new Y.Doc(), "edit");
  Y.applyUpdate(there.doc, Y.encodeStateAsUpdate(here.doc));
  restore(here, content);
  restore(there, content);
  Y.applyUpdate(there.doc, Y.encodeStateAsUpdate(here.doc));
  Y.applyUpdate(here.doc, Y.encodeStateAsUpdate(there.doc));
  for (const one of [here, there]) expect(bare(freeze(one))).toEqual(bare(content));
});

// A conversation is written, frozen, and then written on in every way an app knows.
type Edit = { type: "ask" | "answer"; below: number } | { type: "rewrite" | "remove" | "choose"; at: number };
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ type: fc.constantFrom("ask" as const, "answer" as const), below: fc.nat(12) }),
  fc.record({ type: fc.constantFrom("rewrite" as const, "remove" as const, "choose" as const), at: fc.nat(12) }),
);

function play(conversation: ConversationDocument, edits: readonly Edit[], prefix: string): void {
  for (const [index, one] of edits.entries()) {
    const all = [...conversation.messages()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const at = all[("below" in one ? one.below : one.at) % Math.max(1, all.length)];
    const name = `${prefix}${String(index).padStart(2, "0")}`;
    if (one.type === "ask" || at === undefined) ask(conversation, name, at?.id);
    else if (one.type === "answer") answer(conversation, name, at.id);
    else if (one.type === "rewrite") conversation.rewritePrompt(at.id, `${at.text}!`);
    else if (one.type === "remove") conversation.removeMessage(at.id);
    else conversation.chooseBranch(at.parentId, at.id);
  }
}

test("whatever was done since: the shown branch is as it was, nothing is gone, and again adds nothing", () => {
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 12 }), fc.array(edit, { maxLength: 12 }), (before, after) => {
      const conversation = empty();
      play(conversation, before, "m");
      fc.pre(conversation.branch().length > 0);
      const content = freeze(conversation);
      play(conversation, after, "n");
      const there = [...conversation.messages()];
      restore(conversation, content);
      expect(bare(freeze(conversation))).toEqual(bare(content));
      for (const message of there) expect(conversation.message(message.id)).toEqual(message);
      const count = [...conversation.messages()].length;
      expect(restore(conversation, content).added).toBe(0);
      expect([...conversation.messages()]).toHaveLength(count);
      expect(bare(freeze(conversation))).toEqual(bare(content));
    }),
    { numRuns: 500 },
  );
});
