import { expect, test } from "vitest";
import * as Y from "yjs";
import { contentIdOf, checkFrozen } from "#shared/domain/frozen-content.ts";
import type { ConversationId, MessageId, SnapshotId } from "#shared/domain/ids.ts";
import type { SnapshotSummary } from "#shared/domain/snapshot.ts";
import { factWords } from "#tests/support/fact-words.ts";
import { aFrozenRun, frozen } from "#tests/support/frozen.ts";
import { openConversation } from "./conversation.ts";
import { conversationHtml, snapshotJson, snapshotMarkdown } from "./export-snapshot.ts";
import type { ExportedSnapshot } from "./export-snapshot.ts";

const run = aFrozenRun({ resolvedModel: "m-2026", parameters: { temperature: 0.5 } });
const CONTENT = frozen(["Why tides?", { text: "The **Moon**.", run }], { systemPrompt: "Be brief." });
const SUMMARY: SnapshotSummary = {
  id: "s" as SnapshotId,
  conversationId: "c" as ConversationId,
  number: 3,
  contentId: contentIdOf(CONTENT.manifest),
  head: CONTENT.manifest.head,
  messageCount: 2,
  model: "t/m",
  excerpt: "Why tides?",
  title: "Tides\nand moons",
  note: "For the talk",
  tags: ["sea", "talk"],
  createdAt: Date.UTC(2026, 10, 29),
  createdBy: "account",
  deleted: false,
};

test("the JSON of a snapshot holds what was frozen, so that anybody can hash it again", () => {
  const read = JSON.parse(snapshotJson(SUMMARY, CONTENT)) as ExportedSnapshot;
  expect(read).toMatchObject({
    format: "holdfast.snapshot",
    version: 1,
    number: 3,
    createdAt: "2026-11-29T00:00:00.000Z",
  });
  expect(contentIdOf(read.manifest)).toBe(read.contentId);
  expect(checkFrozen(read)).toMatchObject({ ok: true });
});

test("its Markdown says what it is of, and who said what", () => {
  expect(snapshotMarkdown(SUMMARY, CONTENT, factWords(), ["", "Verified"])).toBe(
    [
      "# Tides and moons\n",
      [
        "- Taken: Snapshot 3 · TIME",
        "- Model: t/m",
        "- Tags: sea, talk",
        "- Note: For the talk",
        `- Content id: ${SUMMARY.contentId}\n`,
      ].join("\n"),
      "## System prompt\n\nBe brief.\n",
      "## You\n\nWhy tides?\n",
      "## m-2026 (Verified)\n\nThe **Moon**.\n",
    ].join("\n"),
  );
});

test("the page of a chat holds the branch that is shown, and the draft", () => {
  const conversation = openConversation(new Y.Doc(), "test");
  conversation.addPrompt({ id: "m1" as MessageId, parentId: undefined, text: "First try", createdAt: 1 });
  conversation.addPrompt({ id: "m2" as MessageId, parentId: undefined, text: "Why <tides>?", createdAt: 9e15 });
  conversation.setDraft("half a thought");
  const html = conversationHtml(conversation, factWords());
  expect(html).toContain("Why &lt;tides&gt;?");
  expect(html).toContain("half a thought");
  expect(html).not.toContain("First try</p>");
});
