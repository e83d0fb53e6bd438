import { expect, test } from "vitest";
import { freezeConversation } from "#shared/documents/freeze-conversation.ts";
import type { ConversationId, MessageId, SnapshotId } from "#shared/domain/ids.ts";
import type { SnapshotSummary } from "#shared/domain/snapshot.ts";
import { SNAPSHOT_FILE_FORMAT } from "#shared/provenance/snapshot-file.ts";
import { factWords } from "#tests/support/fact-words.ts";
import { inMemoryWorkspace } from "#tests/support/in-memory-workspace.ts";
import { fetchSignedFile, makeConversationFile, makeSnapshotFile } from "./export-one.ts";
import type { ExportFormat } from "./export-one.ts";

const words = factWords("");
const FORMATS: readonly ExportFormat[] = ["markdown", "json", "html"];

/** A chat of one prompt and its answer, and a snapshot of it. */
async function aSnapshot({ title = "Tides / and moons" } = {}) {
  const world = inMemoryWorkspace();
  const { documents, snapshots } = world.workspace;
  const id = world.newConversationId();
  const { conversation } = documents.open(id);
  const plannedRun = { runId: "run-1", messageId: "answer-1", model: "t/m" };
  conversation.addPrompt({ id: "q1" as MessageId, parentId: undefined, text: "Why tides?", createdAt: 1, plannedRun });
  world.answer(id, { text: "The **Moon**.", status: "completed" });
  conversation.rename(title);
  const frozen = freezeConversation(conversation, { author: "account-1" });
  if (!frozen.ok) throw new Error(frozen.failure);
  await snapshots.take({ conversationId: id, content: frozen.value, title, note: "", tags: [] });
  const [entry] = snapshots.entries();
  if (entry === undefined) throw new Error("There is no snapshot");
  return { world, id, documents, snapshots, summary: entry.summary, content: frozen.value };
}

const made = async (making: ReturnType<typeof makeSnapshotFile>) => {
  const done = await making;
  if (!done.ok) throw new Error(done.failure);
  return { name: done.value.name, type: done.value.content.type, text: await done.value.content.text() };
};

test("a snapshot is saved in three forms, named after its title and number", async () => {
  const { snapshots, summary, content } = await aSnapshot();
  const files = await Promise.all(
    FORMATS.map((format) => made(makeSnapshotFile(snapshots, { summary, format, words }))),
  );
  expect(files.map(({ name, type }) => [name, type])).toEqual([
    ["Tides and moons 1.md", "text/markdown;charset=utf-8"],
    ["Tides and moons 1.json", "application/json"],
    ["Tides and moons 1.html", "text/html;charset=utf-8"],
  ]);
  const [markdown, json, html] = files.map(({ text }) => text);
  expect(markdown).toContain("The **Moon**.");
  expect(JSON.parse(json ?? "")).toMatchObject({
    format: "holdfast.snapshot",
    contentId: summary.contentId,
    ...content,
  });
  expect(html).toContain("<strong>Moon</strong>");
});

const marksOf = (): Promise<string[]> => Promise.resolve(["", "Verified"]);

test("what is known of who wrote a message stands with it, where it is asked for", async () => {
  const { snapshots, summary } = await aSnapshot();
  for (const format of ["markdown", "html"] as const) {
    const marked = await made(makeSnapshotFile(snapshots, { summary, format, words, marksOf }));
    expect(marked.text).toContain("Verified");
    expect((await made(makeSnapshotFile(snapshots, { summary, format, words }))).text).not.toContain("Verified");
  }
});

test("a snapshot without a title is named by its number", async () => {
  const { snapshots, summary } = await aSnapshot();
  const named = { ...words, snapshot: (number: number) => `Snapshot ${number}` };
  const untitled = { ...summary, title: "", excerpt: "" };
  const file = await made(makeSnapshotFile(snapshots, { summary: untitled, format: "markdown", words: named }));
  expect(file.name).toBe("Snapshot 1.md");
});

test("messages that are not here are asked for; where they cannot be had, nothing is made", async () => {
  const { snapshots, summary, content } = await aSnapshot();
  const asked: SnapshotId[] = [];
  const late = (arrives: boolean) => ({
    content: async () =>
      arrives && asked.length > 0
        ? { ok: true as const, value: content }
        : { ok: false as const, failure: "missing" as const },
    fetch: async (id: SnapshotId) => {
      asked.push(id);
      return arrives;
    },
  });
  expect(await makeSnapshotFile(late(false), { summary, format: "json", words })).toEqual({
    ok: false,
    failure: "unread",
  });
  expect(asked).toEqual([summary.id]);
  expect((await made(makeSnapshotFile(late(true), { summary, format: "json", words }))).name).toBe(
    "Tides and moons 1.json",
  );
  expect(snapshots.entries()).toHaveLength(1);
});

test("a chat is saved in three forms, and its JSON is an export of one chat", async () => {
  const { documents, id } = await aSnapshot();
  const files = await Promise.all(
    FORMATS.map((format) => made(makeConversationFile(documents, { id, format, words, now: 0 }))),
  );
  expect(files.map(({ name }) => name)).toEqual(["Tides and moons.md", "Tides and moons.json", "Tides and moons.html"]);
  const [markdown, json, html] = files.map(({ text }) => text);
  expect(markdown).toContain("The **Moon**.");
  expect(JSON.parse(json ?? "")).toMatchObject({
    format: "holdfast.export",
    version: 1,
    exportedAt: "1970-01-01T00:00:00.000Z",
    conversations: [{ id, shown: ["q1", "answer-1"] }],
    notOnThisDevice: [],
  });
  expect(html).toContain("<strong>Moon</strong>");
});

test("of a chat that did not come to this device nothing is made, and none is begun", async () => {
  const world = inMemoryWorkspace();
  const id = world.newConversationId();
  const wish = { id, format: "json", words, now: 0 } as const;
  expect(await makeConversationFile(world.workspace.documents, wish)).toEqual({ ok: false, failure: "unread" });
  expect(world.workspace.library.entries()).toEqual([]);
});

const summary = {
  id: "s" as SnapshotId,
  conversationId: "c" as ConversationId,
  number: 3,
  title: "Tides",
} as SnapshotSummary;
const SIGNED = `{"format":"${SNAPSHOT_FILE_FORMAT}",\n"meta":{}}\n`;

test("a signed file is saved as it came, byte by byte", async () => {
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = async (input) => {
    asked.push(String(input));
    return new Response(SIGNED);
  };
  const file = await fetchSignedFile(fetch, summary, words);
  expect(file).toMatchObject({ ok: true, value: { name: "Tides 3.holdfast.json" } });
  expect(file.ok && (await file.value.content.text())).toBe(SIGNED);
  expect(asked).toEqual(["/api/snapshots/s/file"]);
});

test.each([
  ["not-found", () => new Response("{}", { status: 404 })],
  ["refused", () => new Response("{}", { status: 503 })],
  // A gate on the way that answers with its own page.
  ["refused", () => new Response("<html>Sign in to the hotel</html>")],
  [
    "offline",
    () => {
      throw new TypeError("network");
    },
  ],
])("where there is no signed file nothing is saved, and it is said why: %s", async (failure, answer) => {
  expect(await fetchSignedFile(async () => answer(), summary, words)).toEqual({ ok: false, failure });
});
