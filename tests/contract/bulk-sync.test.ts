import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as Y from "yjs";
import { canonicalContent } from "#shared/documents/canonical-content.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { AccountId, ConversationId, MessageId, WorkspaceId } from "#shared/domain/ids.ts";
import { assert } from "#shared/lib/assert.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import {
  BULK_TYPE,
  PULL_ANSWER_BYTES,
  encodePull,
  encodePush,
  parsePulled,
  parsePushAnswers,
} from "#shared/protocol/bulk-sync.ts";
import type { PushAnswer, Pulled, Pushed, Wanted } from "#shared/protocol/bulk-sync.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { AppEnv } from "#server/http/app-env.ts";
import { bulkSyncRoutes } from "#server/http/bulk-sync.ts";
import { foldLog, foldSince } from "#server/rooms/compaction.ts";
import { openRooms } from "#server/rooms/open-rooms.ts";
import { LOGS_AT_ONCE } from "#server/rooms/pull-documents.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import type { Database } from "#server/storage/database.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import { allTables } from "#tests/support/all-tables.ts";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import type { FakeClock } from "#tests/support/fake-clock.ts";
import { createSeededRandom } from "#tests/support/seeded-random.ts";

const random = createSeededRandom(77);
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const principalOf = (name: string): AccountPrincipal => ({
  kind: "account",
  accountId: name as AccountId,
  workspaceId: `${name}s` as WorkspaceId,
  role: "owner",
  credential: { type: "session", sessionId: "session" },
});
const newId = (): ConversationId => createUuidV7(1, random.bytes) as ConversationId;
const newMessageId = (): MessageId => createUuidV7(1, random.bytes) as MessageId;

let folder: string;
let database: Database;
let rooms: Rooms;
let clock: FakeClock;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-bulk-"));
  database = await openDatabase({ file: join(folder, "holdfast.sqlite") });
  clock = createFakeClock();
  rooms = openRooms({ database, clock, random: random.next, log, foldRows: 5 });
});
afterEach(async () => {
  await rooms.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

/** One device: a document and what it made since it last pushed. */
function aDevice() {
  const doc = new Y.Doc();
  doc.clientID = Math.floor(random.next() * 2 ** 32);
  const conversation = openConversation(doc, "here");
  let made: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array, origin: unknown) => origin !== "there" && made.push(update));
  return {
    doc,
    conversation,
    edit(change: (conversation: ConversationDocument) => void): Uint8Array {
      made = [];
      doc.transact(() => change(conversation), "here");
      return Y.mergeUpdates(made);
    },
    take: (update: Uint8Array) => Y.applyUpdate(doc, update, "there"),
    content: () => canonicalContent(doc),
  };
}

function aCaller(name: string) {
  const app = new Hono<AppEnv>();
  app.use(async (c, next) => {
    c.set("principal", principalOf(name));
    await next();
  });
  app.route("/", bulkSyncRoutes(rooms));
  const post = async (path: string, body: Uint8Array): Promise<Uint8Array> => {
    const headers = { "content-type": BULK_TYPE };
    const response = await app.request(path, { method: "POST", headers, body: body.slice() });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, BULK_TYPE]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    return new Uint8Array(await response.arrayBuffer());
  };
  return {
    async pull(...wanted: Wanted[]): Promise<Pulled[]> {
      const parsed = parsePulled(await post("/pull", encodePull(wanted)));
      assert(parsed.ok, "an answer to a pull");
      return parsed.value;
    },
    async push(...edits: Pushed[]): Promise<PushAnswer[]> {
      const parsed = parsePushAnswers(await post("/push", encodePush(edits)));
      assert(parsed.ok, "an answer to a push");
      return parsed.value;
    },
  };
}

const all = (id: ConversationId, haveSeq = 0, stateVector?: Uint8Array): Wanted => ({
  id,
  epoch: 0,
  haveSeq,
  stateVector,
});

function stateOf(answer: Pulled | undefined): Extract<Pulled, { type: "state" }> {
  assert(answer?.type === "state", `a state, not ${answer?.type}`);
  return answer;
}

describe("what is pushed is what is pulled", () => {
  test("R6, R18: a push claims a new document, and is acknowledged once a reader of the disk finds it", async () => {
    const [id, device, ann] = [newId(), aDevice(), aCaller("ann")];
    const update = device.edit((one) => one.rename("Mine"));
    const [answer] = await ann.push({ id, epoch: 0, update });
    expect(answer).toEqual({ type: "acknowledged", headSeq: 1 });
    const rows = await allTables(database)
      .selectFrom("doc_update")
      .select("seq")
      .where("document_id", "=", id)
      .execute();
    expect(rows).toHaveLength(1);
    const [pulled] = await ann.pull(all(id));
    const other = aDevice();
    other.take(stateOf(pulled).update);
    expect(other.content()).toBe(device.content());
  });

  test("R5: the same push again changes nothing and is acknowledged", async () => {
    const [id, device, ann] = [newId(), aDevice(), aCaller("ann")];
    const update = device.edit((one) => one.rename("Once"));
    const pushed = { id, epoch: 0, update };
    expect(await ann.push(pushed)).toEqual([{ type: "acknowledged", headSeq: 1 }]);
    expect(await ann.push(pushed)).toEqual([{ type: "acknowledged", headSeq: 1 }]);
  });

  test("edits of one document in one push are taken in their order, those of others beside them", async () => {
    const [id, other, device, ann] = [newId(), newId(), aDevice(), aCaller("ann")];
    const first = device.edit((one) => one.rename("First"));
    const second = device.edit((one) => one.rename("Second"));
    const answers = await ann.push(
      { id, epoch: 0, update: first },
      { id: other, epoch: 0, update: aDevice().edit((one) => one.rename("Other")) },
      { id, epoch: 0, update: second },
    );
    expect(answers.map(({ type }) => type)).toEqual(["acknowledged", "acknowledged", "acknowledged"]);
    const [pulled] = await ann.pull(all(id));
    const reader = aDevice();
    reader.take(stateOf(pulled).update);
    expect(reader.conversation.summary().title).toBe("Second");
  });

  test("whoever has the head is told so; whoever has less is sent the rest, in one update", async () => {
    const [id, device, ann] = [newId(), aDevice(), aCaller("ann")];
    const reader = aDevice();
    const text = "a long prompt ".repeat(400);
    const prompt = { id: newMessageId(), parentId: undefined, text, createdAt: 1 };
    await ann.push({ id, epoch: 0, update: device.edit((one) => one.addPrompt(prompt)) });
    const first = stateOf((await ann.pull(all(id)))[0]);
    reader.take(first.update);
    expect(await ann.pull(all(id, first.headSeq))).toEqual([{ type: "same" }]);
    await ann.push({ id, epoch: 0, update: device.edit((one) => one.rename("Renamed")) });
    const rest = stateOf((await ann.pull(all(id, first.headSeq, Y.encodeStateVector(reader.doc))))[0]);
    expect(rest.headSeq).toBe(2);
    expect(rest.update.byteLength).toBeLessThan(200);
    reader.take(rest.update);
    expect(reader.content()).toBe(device.content());
    // One who does not say what they have is sent all of it.
    expect(stateOf((await ann.pull(all(id, first.headSeq)))[0]).update.byteLength).toBeGreaterThan(text.length);
  });

  test("a state vector that is none, and one of another history, get all there is", async () => {
    const [id, device, ann] = [newId(), aDevice(), aCaller("ann")];
    await ann.push({ id, epoch: 0, update: device.edit((one) => one.rename("Whole")) });
    const garbage = stateOf((await ann.pull(all(id, 0, new Uint8Array([255, 255, 255]))))[0]);
    const reader = aDevice();
    reader.take(garbage.update);
    expect(reader.content()).toBe(device.content());
  });

  test("whoever has more than the log, as after a backup was restored, is sent all there is", async () => {
    const [id, device, ann] = [newId(), aDevice(), aCaller("ann")];
    await ann.push({ id, epoch: 0, update: device.edit((one) => one.rename("Older")) });
    expect(stateOf((await ann.pull(all(id, 40)))[0]).headSeq).toBe(1);
  });
});

test("R17: text that was deleted is in no byte of an answer, folded or not", async () => {
  const [id, device, ann] = [newId(), aDevice(), aCaller("ann")];
  const secret = "CANARY-c0ffee";
  await ann.push({ id, epoch: 0, update: device.edit((one) => one.setDraft(secret)) });
  await ann.push({ id, epoch: 0, update: device.edit((one) => one.setDraft("")) });
  const raw = await allTables(database)
    .selectFrom("doc_update")
    .select("bytes")
    .where("document_id", "=", id)
    .execute();
  // The log itself still holds it: what is sent is not the log.
  expect(raw.some(({ bytes }) => Buffer.from(bytes).includes(secret))).toBe(true);
  for (const vector of [undefined, Y.encodeStateVector(new Y.Doc())]) {
    const { update } = stateOf((await ann.pull(all(id, 0, vector)))[0]);
    expect(Buffer.from(update).includes(secret)).toBe(false);
  }
});

describe("what is not taken", () => {
  test("R15: a stranger's pull and push find nothing, and write nothing", async () => {
    const [id, unknown, device] = [newId(), newId(), aDevice()];
    const [ann, bob] = [aCaller("ann"), aCaller("bob")];
    await ann.push({ id, epoch: 0, update: device.edit((one) => one.rename("Ann's")) });
    expect(await bob.pull(all(id), all(unknown))).toEqual([{ type: "gone" }, { type: "gone" }]);
    const update = aDevice().edit((one) => one.rename("Bob's"));
    expect(await bob.push({ id, epoch: 0, update })).toEqual([{ type: "gone" }]);
    const [pulled] = await ann.pull(all(id));
    expect(stateOf(pulled).headSeq).toBe(1);
  });

  test("R4, R2: a gap and bytes that are no update are refused with their code; the document is as it was", async () => {
    const [id, device, ann] = [newId(), aDevice(), aCaller("ann")];
    device.edit((one) => one.rename("never sent"));
    const later = device.edit((one) => one.setDraft("builds on it"));
    expect(await ann.push({ id, epoch: 0, update: later })).toEqual([{ type: "refused", code: "gap" }]);
    const answers = await ann.push({ id, epoch: 0, update: new Uint8Array([1, 2, 3]) });
    expect(answers).toEqual([{ type: "refused", code: "invalid" }]);
    expect(await ann.pull(all(id))).toEqual([{ type: "gone" }]);
  });

  test("R3: edits under somebody's clientID are refused", async () => {
    const [id, device, ann] = [newId(), aDevice(), aCaller("ann")];
    await ann.push({ id, epoch: 0, update: device.edit((one) => one.rename("Mine")) });
    await rooms.edit(principalOf("ann"), id, (one) => one.setDraft("the relay's own"));
    const { update } = stateOf((await ann.pull(all(id)))[0]);
    const relay = [...Y.decodeStateVector(Y.encodeStateVectorFromUpdate(update)).keys()].find(
      (client) => client !== device.doc.clientID,
    );
    assert(relay !== undefined, "the relay wrote");
    const forger = aDevice();
    forger.take(update);
    forger.doc.clientID = relay;
    const forged = forger.edit((one) => one.rename("Forged"));
    expect(await ann.push({ id, epoch: 0, update: forged })).toEqual([{ type: "refused", code: "denied" }]);
  });

  test("an epoch that never was is gone", async () => {
    const [id, device, ann] = [newId(), aDevice(), aCaller("ann")];
    const update = device.edit((one) => one.rename("Mine"));
    await ann.push({ id, epoch: 0, update });
    expect(await ann.push({ id, epoch: 3, update })).toEqual([{ type: "gone" }]);
    expect(await ann.pull({ ...all(id), epoch: 3 })).toEqual([{ type: "gone" }]);
  });

  test("a server that is closing takes nothing and says to come back", async () => {
    const [id, device, ann] = [newId(), aDevice(), aCaller("ann")];
    await rooms.close();
    expect(await ann.push({ id, epoch: 0, update: device.edit((one) => one.rename("Mine")) })).toEqual([
      { type: "later" },
    ]);
  });
});

test("an answer is bounded: what does not fit is later, and asking again for it gets all of it", async () => {
  const ann = aCaller("ann");
  const ids = Array.from({ length: 12 }, newId);
  for (const id of ids) {
    const prompt = { id: newMessageId(), parentId: undefined, text: "x".repeat(700_000), createdAt: 1 };
    await ann.push({ id, epoch: 0, update: aDevice().edit((one) => one.addPrompt(prompt)) });
  }
  const got = new Set<ConversationId>();
  let requests = 0;
  while (got.size < ids.length && requests < ids.length) {
    const wanted = ids.filter((id) => !got.has(id));
    const answers = await ann.pull(...wanted.map((id) => all(id)));
    requests += 1;
    const sizes = answers.map((answer) => (answer.type === "state" ? answer.update.byteLength : 0));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(PULL_ANSWER_BYTES);
    answers.forEach((answer, at) => {
      const id = wanted[at];
      if (answer.type === "state" && id !== undefined) got.add(id);
      else expect(answer).toEqual({ type: "later" });
    });
  }
  expect([got.size, requests]).toEqual([12, 3]);
});

/** Opens the rooms again, with folds that the test counts, delays or lets fail. */
async function foldWith(before: () => Promise<void>): Promise<string[]> {
  const errors: string[] = [];
  await rooms.close();
  rooms = openRooms({
    database,
    clock,
    random: random.next,
    log: { ...log, error: (_: object, message: string) => void errors.push(message) },
    folding: {
      fold: async (rows) => foldLog(rows),
      foldSince: async (rows, stateVector) => {
        await before();
        return foldSince(rows, stateVector);
      },
      close: async () => undefined,
    },
  });
  return errors;
}

/** New documents with a prompt of each length. */
async function documentsOf(name: string, lengths: readonly number[]): Promise<ConversationId[]> {
  const ids = lengths.map(newId);
  for (const [at, length] of lengths.entries()) {
    const prompt = { id: newMessageId(), parentId: undefined, text: "x".repeat(length), createdAt: 1 };
    const update = aDevice().edit((one) => one.addPrompt(prompt));
    await aCaller(name).push({ id: ids[at] ?? newId(), epoch: 0, update });
  }
  return ids;
}

describe("what a pull costs", () => {
  test("a bounded number of logs is in memory at once, over all requests and accounts", async () => {
    const names = ["ann", "bob", "cem"];
    const owned = await Promise.all(
      names.map((name) =>
        documentsOf(
          name,
          Array.from({ length: 12 }, () => 10),
        ),
      ),
    );
    let [folding, most, folds] = [0, 0, 0];
    await foldWith(async () => {
      folds += 1;
      folding += 1;
      most = Math.max(most, folding);
      await new Promise((resolve) => void setTimeout(resolve, 2));
      folding -= 1;
    });
    const pulls = names.map((name, at) => aCaller(name).pull(...(owned[at] ?? []).map((id) => all(id))));
    const answers = (await Promise.all(pulls)).flat();
    expect(answers.map(({ type }) => type)).toEqual(Array.from({ length: 36 }, () => "state"));
    expect([most, folds]).toEqual([LOGS_AT_ONCE, 36]);
  });

  test("once an answer is more than half full, no more than one log is folded in vain", async () => {
    const small = Array.from({ length: LOGS_AT_ONCE }, () => 300_000);
    const ids = await documentsOf("ann", [...small, 1_000_000, 1_000_000, 1_000_000, 1_000_000]);
    let folds = 0;
    await foldWith(async () => void (folds += 1));
    const answers = await aCaller("ann").pull(...ids.map((id) => all(id)));
    expect(answers.filter(({ type }) => type === "state")).toHaveLength(LOGS_AT_ONCE + 1);
    expect(answers.slice(LOGS_AT_ONCE + 1)).toEqual([{ type: "later" }, { type: "later" }, { type: "later" }]);
    expect(folds).toBe(LOGS_AT_ONCE + 2);
  });

  test("a fold that dies makes its own document come later, and is logged; the others are answered", async () => {
    const ids = await documentsOf("ann", [10, 10, 10]);
    let folds = 0;
    const errors = await foldWith(async () => {
      folds += 1;
      if (folds === 2) throw new Error("The folding thread ended");
    });
    const answers = await aCaller("ann").pull(...ids.map((id) => all(id)));
    expect(answers.map(({ type }) => type).toSorted()).toEqual(["later", "state", "state"]);
    expect(errors).toEqual(["a log could not be folded for a reader"]);
    const again = await aCaller("ann").pull(...ids.map((id) => all(id)));
    expect(again.map(({ type }) => type)).toEqual(["state", "state", "state"]);
  });
});
