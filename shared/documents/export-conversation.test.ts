import { expect, test } from "vitest";
import * as Y from "yjs";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { openConversation } from "./conversation.ts";
import { conversationMarkdown, exportConversation } from "./export-conversation.ts";
import { appendAnswer, startAnswer } from "./write-answer.ts";

const WORDS = { you: "You", answer: "Answer", untitled: "Untitled", systemPrompt: "System prompt", draft: "Draft" };
const ID = "0190b0a0-0000-7000-8000-000000000001" as ConversationId;
const message = (id: string): MessageId => id as MessageId;

function aConversation() {
  const conversation = openConversation(new Y.Doc(), "test");
  conversation.rename("Tides\nand moons");
  conversation.setTag("sea", true);
  conversation.setSystemPrompt("Be brief.");
  conversation.addPrompt({ id: message("m2"), parentId: undefined, text: "Why tides?", createdAt: 0 });
  const run = { runId: "r", model: "t/m", parameters: { temperature: 1 }, status: "completed", queuedAt: 1 } as const;
  // An answer by a clock that is behind: its id sorts before its prompt's.
  startAnswer(conversation, { id: message("m1"), parentId: message("m2"), createdAt: 5, run: { ...run, frame: 0 } });
  appendAnswer(conversation, message("m1"), {
    text: "The **Moon** pulls.",
    reasoning: "Think of gravity.",
    run: { ...run, frame: 1, resolvedModel: "m-2026" },
  });
  conversation.addPrompt({ id: message("m3"), parentId: undefined, text: "Another start", createdAt: 9e15 });
  conversation.chooseBranch(undefined, message("m2"));
  conversation.setDraft("half a thought");
  return conversation;
}

test("P9: an export holds all that was written, branches not shown among it, a parent before what follows it", () => {
  const exported = exportConversation(ID, aConversation(), WORDS);
  expect(exported).toMatchObject({
    id: ID,
    tags: ["sea"],
    settings: { systemPrompt: "Be brief." },
    draft: "half a thought",
    shown: ["m2", "m1"],
  });
  expect(exported.messages).toEqual([
    { id: "m2", role: "user", createdAt: "1970-01-01T00:00:00.000Z", text: "Why tides?" },
    {
      id: "m1",
      parentId: "m2",
      role: "assistant",
      createdAt: "1970-01-01T00:00:00.005Z",
      text: "The **Moon** pulls.",
      reasoning: "Think of gravity.",
      model: "t/m",
      resolvedModel: "m-2026",
      parameters: { temperature: 1 },
      status: "completed",
    },
    { id: "m3", role: "user", text: "Another start" },
  ]);
  expect(JSON.parse(JSON.stringify(exported))).toEqual(exported);
});

test("its Markdown reads like the chat that was shown", () => {
  expect(conversationMarkdown(aConversation(), WORDS)).toBe(
    [
      "# Tides and moons\n",
      "## System prompt\n\nBe brief.\n",
      "## You\n\nWhy tides?\n",
      "## m-2026\n\nThe **Moon** pulls.\n",
      "## Draft\n\nhalf a thought\n",
    ].join("\n"),
  );
  expect(conversationMarkdown(openConversation(new Y.Doc(), "test"), WORDS)).toBe("# Untitled\n");
});
