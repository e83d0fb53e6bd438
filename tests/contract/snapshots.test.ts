import Sqlite from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as Y from "yjs";
import { freezeConversation } from "#shared/documents/freeze-conversation.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import { restoreSnapshot } from "#shared/documents/restore-snapshot.ts";
import { checkFrozen, contentIdOf } from "#shared/domain/frozen-content.ts";
import { frozenMessagesSchema, snapshotSchema, snapshotsSchema } from "#shared/protocol/snapshot-bodies.ts";
import type { SnapshotAnswer } from "#shared/protocol/snapshot-bodies.ts";
import { feedSchema } from "#shared/protocol/feed-bodies.ts";
import { TRASH_MS } from "#shared/domain/trash.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { principalOf } from "#tests/support/principals.ts";
import { addTurn, newId, openSnapshotScene } from "#tests/support/snapshot-scene.ts";
import type { SnapshotScene } from "#tests/support/snapshot-scene.ts";

let scene: SnapshotScene;
beforeAll(async () => {
  scene = await openSnapshotScene();
});
afterAll(() => scene.close());

const ADA = principalOf("ada").accountId;

async function snapshotIn(response: Response): Promise<SnapshotAnswer> {
  expect([200, 201]).toContain(response.status);
  expect(response.headers.get("cache-control")).toBe("no-store");
  return snapshotSchema.parse(await response.json());
}
async function codeIn(response: Response): Promise<string> {
  return `${response.status} ${((await response.json()) as { code: string }).code}`;
}
const read = async (id: string): Promise<string> => (await scene.send("GET", `/api/snapshots/${id}`)).text();

/** A chat of two turns, and what a device would freeze of it. */
async function aChat(account = "ada") {
  let leaf = "";
  const { id, doc } = await scene.conversation((conversation) => {
    conversation.rename("Tides");
    conversation.chooseModel("openai/scripted-1");
    conversation.setSystemPrompt("Answer briefly.");
    leaf = addTurn(conversation, undefined, { question: "What are tides?", answer: "The sea, moved by the moon." });
    leaf = addTurn(conversation, leaf, { question: "Since when?", answer: "Since there is a sea." });
  }, account);
  const frozen = freezeConversation(openConversation(doc, "device"), { author: principalOf(account).accountId });
  if (!frozen.ok) throw new Error(frozen.failure);
  return { id, doc, leaf, content: frozen.value };
}

/** All of a conversation, as one update. */
async function wholeOf({ rooms }: SnapshotScene, id: string): Promise<Uint8Array> {
  const whole = await rooms.read(principalOf("ada"), id as ConversationId, ({ doc }) => Y.encodeStateAsUpdate(doc));
  if (whole === undefined) throw new Error("there is no such conversation");
  return whole;
}

/** What a device does that restores a snapshot into a chat. */
async function restoreInto(id: string, { id: snapshotId, contentId, manifest, messages }: SnapshotAnswer) {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, await wholeOf(scene, id));
  const conversation = openConversation(doc, "device");
  const content = { manifest, messages } as FrozenContent;
  restoreSnapshot(conversation, content, { origin: { snapshotId, contentId }, newId, settings: "taken-over" });
  await scene.push(id as ConversationId, doc);
  expect(conversation.origin()).toEqual({ snapshotId, contentId });
}

describe("taking", () => {
  test("freezes what the server has, with the content id that a device computes", async () => {
    const { id, content } = await aChat();
    const taken = await snapshotIn(await scene.take(id));
    expect(taken.contentId).toBe(contentIdOf(content.manifest));
    expect(checkFrozen(taken as FrozenContent).ok).toBe(true);
    expect(taken).toMatchObject({
      conversationId: id,
      number: 1,
      title: "Tides",
      excerpt: "What are tides?",
      messageCount: 4,
      model: "openai/scripted-1",
      createdBy: ADA,
      deleted: false,
    });
    expect(taken.messages).toEqual(content.messages);
    expect(taken.manifest).toEqual(content.manifest);
    expect(JSON.parse(await read(taken.id))).toEqual(taken);
  });

  test("delivered twice, one after the other or twenty times at once, is one snapshot with one number", async () => {
    const { id } = await aChat();
    const body = { id: newId(), title: "Once" };
    const answers = await Promise.all(Array.from({ length: 20 }, () => scene.take(id, body)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(19);
    const texts = new Set(await Promise.all(answers.map((answer) => answer.text())));
    expect(texts.size).toBe(1);
    expect((await scene.take(id, body)).status).toBe(200);
    expect((await snapshotIn(await scene.take(id))).number).toBe(2);
  });

  test("numbers those of a conversation 1, 2, 3 … in whatever order they come", async () => {
    const [one, other] = [await aChat(), await aChat()];
    const taken = await Promise.all(
      Array.from({ length: 30 }, async (_, at) => snapshotIn(await scene.take(at % 3 === 0 ? other.id : one.id))),
    );
    const numbersOf = (id: string) =>
      taken
        .filter((each) => each.conversationId === id)
        .map(({ number }) => number)
        .toSorted((a, b) => a - b);
    expect(numbersOf(one.id)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
    expect(numbersOf(other.id)).toEqual(Array.from({ length: 10 }, (_, at) => at + 1));
  });

  test("refuses the same id for other content, and somebody else's like one that never was", async () => {
    const [one, other, foreign] = [await aChat(), await aChat(), await aChat("bob")];
    const { id } = await snapshotIn(await scene.take(one.id));
    expect(await codeIn(await scene.take(other.id, { id }))).toBe("409 snapshot_id_reused");
    expect(await codeIn(await scene.take(foreign.id, { id }, "bob"))).toBe("404 not_found");
    expect(await codeIn(await scene.take(foreign.id))).toBe("404 not_found");
    expect(await codeIn(await scene.take(newId()))).toBe("404 not_found");
    expect(await codeIn(await scene.send("GET", `/api/snapshots/${id}`, undefined, "bob"))).toBe("404 not_found");
  });

  test("refuses where there is nothing, or an answer is still being written", async () => {
    const empty = await scene.conversation((conversation) => conversation.rename("Empty"));
    expect(await codeIn(await scene.take(empty.id))).toBe("409 nothing_to_freeze");
    const { id, doc, leaf } = await aChat();
    const conversation = openConversation(doc, "local");
    const run = { ...openRun(), status: "streaming" as const };
    conversation.restoreMessage({ ...anAnswer(newId(), leaf), run });
    conversation.chooseBranch(leaf, [...conversation.messages()].at(-1)?.id as never);
    await scene.push(id, doc);
    expect(await codeIn(await scene.take(id))).toBe("409 answer_unfinished");
  });

  test("with a manifest, takes the messages from the server's copy, from what is stored, or as they were sent", async () => {
    const { id, content, leaf, doc } = await aChat();
    const named = { manifest: content.manifest, leaf };
    expect((await snapshotIn(await scene.take(id, named))).number).toBe(1);
    // The copy says something else by now: what was frozen does not.
    openConversation(doc, "local").removeMessage(leaf as never);
    await scene.push(id, doc);
    expect((await snapshotIn(await scene.take(id, named))).number).toBe(2);
    const gone = newId();
    expect(await codeIn(await scene.take(gone, named))).toBe("409 messages_missing");
    const sent = await snapshotIn(await scene.take(gone, { ...named, messages: [...content.messages] as never }));
    expect(sent).toMatchObject({ conversationId: gone, number: 1, contentId: contentIdOf(content.manifest) });
    const changed = content.messages.map((one, at) => (at === 2 ? { ...one, text: "Something else" } : one));
    const refused = await scene.take(newId(), { ...named, messages: changed as never });
    expect(await refused.json()).toMatchObject({ status: 422, code: "content_differs", index: 2 });
    // To another account that conversation is not there.
    expect(await codeIn(await scene.take(id, { ...named, messages: [...content.messages] as never }, "bob"))).toBe(
      "404 not_found",
    );
  });

  test("waits briefly for messages that are on their way by sync", async () => {
    const { id, doc, leaf } = await aChat();
    const conversation = openConversation(doc, "local");
    const next = addTurn(conversation, leaf, { question: "And now?", answer: "Still." });
    const frozen = freezeConversation(conversation, { author: ADA, leaf: next });
    if (!frozen.ok) throw new Error(frozen.failure);
    const taking = scene.take(id, { manifest: frozen.value.manifest, leaf: next });
    await scene.push(id, doc);
    expect((await snapshotIn(await taking)).messageCount).toBe(6);
  });
});

/** Writes past the server, as a mistake in it would; answers what the store says to it. */
function refusalOf(statement: string, ...values: unknown[]): string {
  const store = new Sqlite(scene.file);
  try {
    const { changes } = store.prepare(statement).run(...values);
    return `${changes} changed`;
  } catch (error) {
    return String(error);
  } finally {
    store.close();
  }
}

describe("afterwards", () => {
  test("the hourly look erases what was in the trash for its time, with those messages that no other snapshot has", async () => {
    const { id, doc, leaf } = await aChat();
    const first = await snapshotIn(await scene.take(id));
    addTurn(openConversation(doc, "local"), leaf, { question: "Only in the second?", answer: "Yes." });
    await scene.push(id, doc);
    const [second, other] = [await snapshotIn(await scene.take(id)), await aChat()];
    const alone = await snapshotIn(await scene.take(other.id));
    const hashesOf = async (conversationId: string): Promise<string[]> => {
      const wanted = [{ conversationId, after: 0 }];
      const answer = await scene.send("POST", "/api/snapshots/messages", { wanted });
      return frozenMessagesSchema.parse(await answer.json()).series[0]?.messages.map(({ hash }) => hash) ?? [];
    };
    const shared = (await hashesOf(id)).slice(0, 4);
    expect([(await hashesOf(id)).length, (await hashesOf(other.id)).length]).toEqual([6, 4]);
    for (const one of [second, alone])
      expect((await scene.send("DELETE", `/api/snapshots/${one.id}`)).status).toBe(204);
    await scene.erasure.look();
    expect((await hashesOf(id)).length).toBe(6);
    const due = Date.now() - TRASH_MS - 1_000;
    for (const one of [second, alone])
      expect(refusalOf("update document set deleted_at = ? where id = ?", due, one.id)).toBe("1 changed");
    expect(await scene.erasure.look()).toBe(2);
    expect(await hashesOf(id)).toEqual(shared);
    expect(await hashesOf(other.id)).toEqual([]);
    expect(JSON.parse(await read(first.id))).toEqual(first);
    for (const one of [second, alone]) expect(JSON.parse(await read(one.id))).toMatchObject({ code: "not_found" });
  });

  test("the store itself refuses to change what was frozen", async () => {
    const { id } = await aChat();
    const taken = await snapshotIn(await scene.take(id));
    const before = await read(taken.id);
    const never = "SqliteError: a frozen message never changes";
    for (const column of ["body", "hash", "conversation_id", "owner_id"])
      expect(refusalOf(`update frozen_message set ${column} = 'x' where conversation_id = ?`, id)).toBe(never);
    const changes = ["manifest = '{}'", "content_id = 'x'", "fingerprint = 'x'", "head = 'x'", "number = 7"];
    for (const change of [...changes, "created_at = 1", "created_by = 'x'", "conversation_id = 'x'", "id = 'x'"])
      expect([change, refusalOf(`update snapshot set ${change} where id = ?`, taken.id)]).toEqual([
        change,
        "SqliteError: a snapshot never changes",
      ]);
    expect(await read(taken.id)).toBe(before);
  });

  test("whatever becomes of the conversation, every snapshot stays as it was, byte by byte", async () => {
    const { id, doc, leaf } = await aChat();
    const taken = await snapshotIn(await scene.take(id));
    const before = await read(taken.id);
    const conversation = openConversation(doc, "local");
    const changes: (() => void)[] = [
      () => addTurn(conversation, leaf, { question: "More?", answer: "More." }),
      () => conversation.rename("Renamed"),
      () => conversation.setSystemPrompt("Answer at length."),
      () => conversation.removeMessage(leaf as never),
      () => conversation.setDeleted(true),
    ];
    for (const change of changes) {
      change();
      await scene.push(id, doc);
      expect(await read(taken.id)).toBe(before);
    }
    // Its summary says within a second that it is in the trash.
    await expect
      .poll(() => scene.erasure.erase(principalOf("ada"), id, "conversation"), { timeout: 5_000 })
      .toMatchObject({ ok: true });
    expect(await read(taken.id)).toBe(before);
    expect((await snapshotIn(await scene.take(id, { manifest: taken.manifest }))).number).toBe(2);
  });

  test("labels change, in the list and the feed at once, and nothing that was frozen does", async () => {
    const { id } = await aChat();
    const taken = await snapshotIn(await scene.take(id, { tags: ["sea"] }));
    const labels = { title: "Moon", note: "For the trip", tags: ["moon", "sea"] };
    const changed = await snapshotIn(await scene.send("PATCH", `/api/snapshots/${taken.id}`, labels));
    expect(changed).toEqual({ ...taken, ...labels, headSeq: 2 });
    const listed = snapshotsSchema.parse(
      await (await scene.send("GET", `/api/snapshots?conversation=${id}&tag=moon`)).json(),
    );
    expect(listed.snapshots).toMatchObject([labels]);
    const feed = feedSchema.parse(await (await scene.send("GET", "/api/sync/feed?limit=1000")).json());
    expect(feed.entries.find((entry) => entry.id === taken.id)).toMatchObject({ kind: "snapshot", summary: labels });
  });

  test("goes to the trash, comes back, and is erased for good without its number being given again", async () => {
    const { id, doc, leaf } = await aChat();
    const first = await snapshotIn(await scene.take(id));
    addTurn(openConversation(doc, "local"), leaf, { question: "Only in the second?", answer: "Yes." });
    await scene.push(id, doc);
    const second = await snapshotIn(await scene.take(id, { title: "Secret name" }));
    const path = `/api/snapshots/${second.id}`;
    expect(await codeIn(await scene.send("DELETE", `${path}?erase=true`))).toBe("409 not_deleted");
    expect((await scene.send("DELETE", path)).status).toBe(204);
    const listOf = async (query: string) =>
      snapshotsSchema
        .parse(await (await scene.send("GET", `/api/snapshots?conversation=${id}${query}`)).json())
        .snapshots.map(({ number }) => number);
    expect([await listOf(""), await listOf("&deleted=true")]).toEqual([[1], [2]]);
    expect((await snapshotIn(await scene.send("PATCH", path, { deleted: false }))).deleted).toBe(false);
    await scene.send("DELETE", path);
    expect((await scene.send("DELETE", `${path}?erase=true`)).status).toBe(204);
    expect(await codeIn(await scene.send("GET", path))).toBe("404 not_found");
    expect(await codeIn(await scene.take(id, { id: second.id }))).toBe("410 gone");
    // What only it held is gone, what the first holds is not.
    const { series } = (await (
      await scene.send("POST", "/api/snapshots/messages", { wanted: [{ conversationId: id, after: 0 }] })
    ).json()) as { series: { messages: unknown[] }[] };
    expect(series[0]?.messages).toHaveLength(4);
    expect(JSON.parse(await read(first.id))).toEqual(first);
    expect((await snapshotIn(await scene.take(id))).number).toBe(3);
    const feed = feedSchema.parse(await (await scene.send("GET", "/api/sync/feed?limit=1000")).json());
    const entry = feed.entries.find((one) => one.id === second.id);
    expect(entry).toMatchObject({ erased: true });
    expect(JSON.stringify(entry)).not.toContain("Secret");
  });

  test("a duplicate is a chat of the same messages, made once", async () => {
    const { id, content } = await aChat();
    const taken = await snapshotIn(await scene.take(id));
    const copy = newId();
    const duplicate = (conversationId: string, account?: string) =>
      scene.send("POST", `/api/snapshots/${taken.id}/duplicate`, { conversationId, title: "Again" }, account);
    expect((await duplicate(copy)).status).toBe(201);
    expect((await duplicate(copy)).status).toBe(200);
    expect(await codeIn(await duplicate(id))).toBe("409 conversation_id_reused");
    expect(await codeIn(await duplicate(newId(), "bob"))).toBe("404 not_found");
    const foreign = await aChat("bob");
    expect(await codeIn(await duplicate(foreign.id))).toBe("404 not_found");
    const again = await snapshotIn(await scene.take(copy));
    expect(again.messages).toEqual(content.messages);
    expect(again.title).toBe("Again");
    expect(again.manifest.origin).toEqual({ snapshotId: taken.id, contentId: taken.contentId });
  });

  test("a duplicate is asked for again when another snapshot was restored into it, and is there", async () => {
    const { id } = await aChat();
    const [taken, other] = [await snapshotIn(await scene.take(id)), await snapshotIn(await scene.take(id))];
    const copy = newId();
    const duplicate = (of: string, conversationId: string) =>
      scene.send("POST", `/api/snapshots/${of}/duplicate`, { conversationId });
    expect((await duplicate(taken.id, copy)).status).toBe(201);
    await restoreInto(copy, other);
    const replayed = await duplicate(taken.id, copy);
    expect([replayed.status, await replayed.json()]).toEqual([200, { conversationId: copy }]);
    // It was made of the one, and is no duplicate of the other; nor is a chat that the other was restored into.
    expect(await codeIn(await duplicate(other.id, copy))).toBe("409 conversation_id_reused");
    await restoreInto(id, other);
    expect(await codeIn(await duplicate(other.id, id))).toBe("409 conversation_id_reused");
  });

  test("says which model answered where none was chosen, and is found by it", async () => {
    const { id } = await scene.conversation((conversation) => {
      addTurn(conversation, undefined, { question: "What are tides?", answer: "The sea, moved by the moon." });
    });
    const taken = await snapshotIn(await scene.take(id));
    expect([taken.manifest.settings.model, taken.model]).toEqual(["", "openai/scripted-1"]);
    const found = await scene.send("GET", `/api/snapshots?conversation=${id}&model=${encodeURIComponent(taken.model)}`);
    expect(snapshotsSchema.parse(await found.json()).snapshots.map((one) => one.id)).toEqual([taken.id]);
  });

  test("made twice with different titles, as by a server that lost the first, both merge into one", async () => {
    const { id, content } = await aChat();
    const [snapshot, copy] = [newId(), newId()];
    const made = async (on: SnapshotScene, title: string): Promise<Y.Doc> => {
      const taken = await on.send("POST", "/api/snapshots", { id: snapshot, conversationId: id, ...content });
      expect(taken.status).toBe(201);
      await on.send("POST", `/api/snapshots/${snapshot}/duplicate`, { conversationId: copy, title });
      const doc = new Y.Doc();
      Y.applyUpdate(doc, await wholeOf(on, copy));
      return doc;
    };
    const other = await openSnapshotScene();
    const [first, second] = [await made(scene, "First"), await made(other, "Second")];
    await other.close();
    Y.applyUpdate(first, Y.encodeStateAsUpdate(second));
    Y.applyUpdate(second, Y.encodeStateAsUpdate(first));
    const [one, two] = [first, second].map((doc) => openConversation(doc, "device"));
    expect(one?.summary().title).toMatch(/^(?:First|Second)$/u);
    expect(two?.summary()).toEqual(one?.summary());
    expect(one?.origin()?.snapshotId).toBe(snapshot);
  });

  test("the list goes on where it ended, and the newest come first", async () => {
    const { id } = await aChat();
    for (let at = 0; at < 7; at++) await scene.take(id);
    const numbers: number[] = [];
    for (let cursor = ""; ;) {
      const page = snapshotsSchema.parse(
        await (await scene.send("GET", `/api/snapshots?conversation=${id}&limit=3${cursor}`)).json(),
      );
      numbers.push(...page.snapshots.map(({ number }) => number));
      if (page.cursor === undefined) break;
      cursor = `&cursor=${page.cursor}`;
    }
    expect(numbers).toEqual([7, 6, 5, 4, 3, 2, 1]);
    expect(await codeIn(await scene.send("GET", "/api/snapshots?cursor=made-up"))).toBe("400 invalid_query");
  });
});

const openRun = () => ({
  runId: newId(),
  model: "m/m",
  parameters: {},
  frame: 0,
  queuedAt: 1,
});
const anAnswer = (id: string, parentId: string) => ({
  id: id as never,
  parentId: parentId as never,
  role: "assistant" as const,
  text: "",
  reasoning: "",
  createdAt: 1,
});
