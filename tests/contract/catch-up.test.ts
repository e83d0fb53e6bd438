import "fake-indexeddb/auto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IDBFactory } from "fake-indexeddb";
import { Hono } from "hono";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as Y from "yjs";
import { openLibrary } from "#client/local-store/open-library.ts";
import { openLocalStore } from "#client/local-store/open-local-store.ts";
import { openTabs } from "#client/local-store/tab-messages.ts";
import { createBodyPuller } from "#client/sync/pull-bodies.ts";
import { pushOutbox } from "#client/sync/push-outbox.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { AccountId, ConversationId, WorkspaceId } from "#shared/domain/ids.ts";
import { assert } from "#shared/lib/assert.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { feedSchema } from "#shared/protocol/feed-bodies.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { AppEnv } from "#server/http/app-env.ts";
import { bulkSyncRoutes } from "#server/http/bulk-sync.ts";
import { feedRoutes } from "#server/http/feed.ts";
import { openRooms } from "#server/rooms/open-rooms.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import type { Database } from "#server/storage/database.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import { allTables } from "#tests/support/all-tables.ts";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import type { FakeClock } from "#tests/support/fake-clock.ts";
import { installFailingIndexedDb } from "#tests/support/failing-indexeddb.ts";
import { createSeededRandom } from "#tests/support/seeded-random.ts";

const random = createSeededRandom(5);
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const ann: AccountPrincipal = {
  kind: "account",
  accountId: "ann" as AccountId,
  workspaceId: "anns" as WorkspaceId,
  role: "owner",
  credential: { type: "session", sessionId: "session" },
};
const newId = (): ConversationId => createUuidV7(1, random.bytes) as ConversationId;

let folder: string;
let database: Database;
let rooms: Rooms;
let app: Hono<AppEnv>;
let clock: FakeClock;

const places = (): Promise<unknown> => allTables(database).selectFrom("feed").selectAll().execute();

/** A summary that changes again within a second waits for its turn in the feed. */
async function untilFeedMoves(): Promise<void> {
  const before = JSON.stringify(await places());
  await expect
    .poll(async () => {
      clock.advance(500);
      return JSON.stringify(await places());
    })
    .not.toBe(before);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-catch-up-"));
  database = await openDatabase({ file: join(folder, "holdfast.sqlite") });
  clock = createFakeClock();
  rooms = openRooms({ database, clock, random: random.next, log });
  app = new Hono<AppEnv>();
  app.use(async (c, next) => {
    c.set("principal", ann);
    await next();
  });
  app.route("/api/sync/feed", feedRoutes(database));
  app.route("/api/sync", bulkSyncRoutes(rooms));
});
afterEach(async () => {
  await rooms.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

let devices = 0;

/** A device with a store of its own and nothing open, and what it asked the server. */
function aDevice(open: ReadonlySet<ConversationId> = new Set()) {
  const life = new AbortController();
  const store = openLocalStore(`catch-up-${devices++}`);
  const tabs = openTabs({ post: () => undefined, onMessage: () => () => undefined }, life.signal);
  const library = openLibrary(store, tabs);
  const asked: string[] = [];
  const network = { up: true };
  const platform = {
    clock: createFakeClock(),
    fetch: async (input: RequestInfo | URL, init?: RequestInit) => {
      asked.push(String(input).replace(/\?.*/, ""));
      if (!network.up) throw new TypeError("network");
      const { signal: _, ...rest } = init ?? {};
      return await app.request(String(input), rest);
    },
  };
  const bodies = createBodyPuller(platform, store, library, (id) => open.has(id));
  const docs = new Map<ConversationId, Y.Doc>();

  async function docOf(id: ConversationId): Promise<Y.Doc> {
    const known = docs.get(id);
    if (known) return known;
    const doc = new Y.Doc();
    const stored = await store.load(id);
    if (stored.ok && stored.value.state) Y.applyUpdate(doc, stored.value.state);
    docs.set(id, doc);
    return doc;
  }

  return {
    asked,
    network,
    store,
    library,
    bodies,
    /** Edits as a tab does, and forgets: the update and its outbox row are stored. */
    async rename(id: ConversationId, title: string): Promise<void> {
      const doc = await docOf(id);
      const conversation = openConversation(doc, "here");
      const made: Uint8Array[] = [];
      doc.on("update", (update: Uint8Array) => made.push(update));
      conversation.rename(title);
      const written = await store.write({
        id,
        epoch: 0,
        local: Y.mergeUpdates(made),
        remote: undefined,
        state: undefined,
        commands: [],
        summary: { summary: conversation.summary(), changedAt: 1, headSeq: undefined },
        strict: false,
      });
      assert(written.ok, "written");
      docs.delete(id);
    },
    push: (wants: (id: ConversationId) => boolean = () => true) => pushOutbox(platform, store, { wants }, life.signal),
    /** @param pullMeanwhile pulls as a page does: the first texts are asked for while the end of the feed is stored */
    async readFeed(pullMeanwhile = false): Promise<void> {
      await library.ready;
      for (let more = true; more;) {
        const from = library.cursor();
        const response = await platform.fetch(`/api/sync/feed?cursor=${from}`);
        const feed = feedSchema.parse(await response.json());
        const told = library.takeFeed({ from, to: feed.cursor }, feed.entries);
        if (pullMeanwhile && !feed.more) await bodies.pull(life.signal, told);
        await told;
        more = feed.more;
      }
    },
    async pullAll(): Promise<void> {
      while ((await bodies.pull(life.signal)) === "more");
    },
    async title(id: ConversationId): Promise<string | undefined> {
      const stored = await store.load(id);
      if (!stored.ok || stored.value.state === undefined) return undefined;
      const doc = new Y.Doc();
      Y.applyUpdate(doc, stored.value.state);
      return openConversation(doc, "reader").summary().title;
    },
    async rows(): Promise<number> {
      const outbox = await store.outbox();
      assert(outbox.ok, "the outbox was read");
      return [...outbox.value.rows.values()].flat().length;
    },
  };
}

test("C11: what earlier sessions left in 30 closed chats is delivered by one request, and nothing is opened for it", async () => {
  const device = aDevice();
  const ids = Array.from({ length: 30 }, newId);
  for (const id of ids) {
    await device.rename(id, "first");
    await device.rename(id, `chat ${id}`);
  }
  expect(await device.rows()).toBe(60);
  expect(await device.push()).toMatchObject({ type: "pushed", left: [], later: [] });
  expect(device.asked).toEqual(["/api/sync/push"]);
  expect(await device.rows()).toBe(0);
  const other = aDevice();
  await other.readFeed();
  await other.pullAll();
  expect(await Promise.all(ids.map((id) => other.title(id)))).toEqual(ids.map((id) => `chat ${id}`));
});

test("C11: a push that was stored, and whose answer was lost, is repeated without a second effect", async () => {
  const device = aDevice();
  const id = newId();
  await device.rename(id, "Mine");
  const unsent = await device.store.unsent(10, () => true);
  assert(unsent.ok, "read");
  const update = unsent.value[0]?.updates[0] as Uint8Array;
  await rooms.push(ann, { id, epoch: 0, update });
  expect(await device.push()).toEqual({ type: "pushed", settled: [id], left: [], later: [] });
  const rows = await allTables(database).selectFrom("doc_update").select("seq").execute();
  expect(rows).toHaveLength(1);
});

test("C4: without a network, and where the server cannot store, every row stays", async () => {
  const device = aDevice();
  await device.rename(newId(), "Mine");
  device.network.up = false;
  expect(await device.push()).toEqual({ type: "failed", reached: false });
  device.network.up = true;
  await rooms.close();
  expect(await device.push()).toMatchObject({ type: "pushed", settled: [] });
  expect(await device.rows()).toBe(1);
});

test("C5: an edit the server refuses is left for an open document, and the others are delivered", async () => {
  const [device, stranger] = [aDevice(), newId()];
  const bob = { ...ann, accountId: "bob" as AccountId, workspaceId: "bobs" as WorkspaceId };
  const bobs = new Y.Doc();
  openConversation(bobs, "bob").rename("Bob's");
  await rooms.push(bob, { id: stranger, epoch: 0, update: Y.encodeStateAsUpdate(bobs) });
  const own = newId();
  await device.rename(stranger, "Mine?");
  await device.rename(own, "Mine");
  expect(await device.push()).toEqual({ type: "pushed", settled: [own], left: [stranger], later: [] });
  expect(await device.rows()).toBe(1);
});

test("an edit that was folded into the state meanwhile is pushed with all of it", async () => {
  const device = aDevice();
  const id = newId();
  await device.rename(id, "Folded");
  await device.store.compact(id, 0);
  expect(await device.push()).toEqual({ type: "pushed", settled: [id], left: [], later: [] });
  const other = aDevice();
  await other.readFeed();
  await other.pullAll();
  expect(await other.title(id)).toBe("Folded");
});

test("an edit whose bytes cannot be read is left, and nothing of it is sent", async () => {
  const device = aDevice();
  const id = newId();
  const garbage = { epoch: 0, remote: undefined, state: undefined, commands: [], summary: undefined, strict: false };
  await device.store.write({ id, ...garbage, local: new Uint8Array([250, 3, 9]) });
  expect(await device.push()).toEqual({ type: "pushed", settled: [], left: [id], later: [] });
  expect(device.asked).toEqual([]);
});

test("the shown summary of a pushed chat gives way to the feed's", async () => {
  const device = aDevice();
  const id = newId();
  await device.rename(id, "Mine");
  await device.push();
  const stored = await device.store.library();
  assert(stored.ok, "read");
  expect(stored.value.records[0]?.local?.headSeq).toBe(1);
  await device.readFeed();
  const after = await device.store.library();
  expect(after.ok && after.value.records[0]).toMatchObject({ local: undefined, feed: { summary: { title: "Mine" } } });
});

test("design §12: of 300 chats, 20 of which changed, the 20 are brought here by one look at the feed and one pull", async () => {
  const [one, other] = [aDevice(), aDevice()];
  const ids = Array.from({ length: 300 }, newId);
  for (const id of ids) await one.rename(id, "before");
  while ((await one.rows()) > 0) await one.push();
  await other.readFeed();
  await other.pullAll();
  const changed = ids.slice(0, 20);
  for (const id of changed) await one.rename(id, "after");
  await one.push();
  await untilFeedMoves();
  other.asked.length = 0;
  await other.readFeed();
  await other.pullAll();
  expect(other.asked).toEqual(["/api/sync/feed", "/api/sync/pull"]);
  const titles = await Promise.all(ids.map((id) => other.title(id)));
  expect(titles.filter((title) => title === "after")).toHaveLength(20);
  expect(titles.filter((title) => title === "before")).toHaveLength(280);
});

test("a chat that is open here is not pulled: its socket brings it", async () => {
  const [one, id] = [aDevice(), newId()];
  await one.rename(id, "Mine");
  await one.push();
  const other = aDevice(new Set([id]));
  await other.readFeed();
  await other.pullAll();
  expect(other.asked).toEqual(["/api/sync/feed"]);
});

test("a chat of which something was unreadable, and a database that was lost, are pulled again", async () => {
  const [one, other, id] = [aDevice(), aDevice(), newId()];
  await one.rename(id, "Mine");
  await one.push();
  await other.readFeed();
  await other.pullAll();
  expect(other.library.lacking()).toEqual([]);
  await other.store.write({
    id,
    epoch: 0,
    local: undefined,
    remote: new Uint8Array([250, 3, 9]),
    state: undefined,
    commands: [],
    summary: undefined,
    strict: false,
  });
  await other.store.load(id);
  const stored = await other.store.library();
  assert(stored.ok, "read");
  expect(stored.value.records[0]?.have).toBeUndefined();
});

test("what builds on text that the browser deleted meanwhile is not taken for all there is", async () => {
  const [one, other, id] = [aDevice(), aDevice(), newId()];
  await one.rename(id, "Mine");
  await one.push();
  await other.readFeed();
  const rest = { id, epoch: 0, seq: 9, update: Y.encodeStateAsUpdate(new Y.Doc()), whole: false };
  expect(await other.store.takePulled([rest])).toEqual({ ok: true, value: { taken: [], long: [] } });
  await other.pullAll();
  expect(await other.title(id)).toBe("Mine");
});

test("a hundred chats that are refused do not keep the others from being delivered", async () => {
  const device = aDevice();
  const bob = { ...ann, accountId: "bob" as AccountId, workspaceId: "bobs" as WorkspaceId };
  for (let at = 0; at < 100; at++) {
    const stranger = newId();
    const doc = new Y.Doc();
    openConversation(doc, "bob").rename("Bob's");
    await rooms.push(bob, { id: stranger, epoch: 0, update: Y.encodeStateAsUpdate(doc) });
    await device.rename(stranger, "Mine?");
  }
  const own = newId();
  await device.rename(own, "Mine");
  const first = await device.push();
  assert(first.type === "pushed", "pushed");
  expect([first.left.length, first.later]).toEqual([100, []]);
  expect(await device.push((id) => !first.left.includes(id))).toMatchObject({ settled: [own], left: [] });
}, 30_000);

test("C13: what was erased from this device while it was being pulled does not come back", async () => {
  const [one, other, id] = [aDevice(), aDevice(), newId()];
  await one.rename(id, "Mine");
  await one.push();
  await other.readFeed();
  const unsent = Y.encodeStateAsUpdate(new Y.Doc());
  await other.store.forget(id);
  const body = { id, epoch: 0, seq: 1, update: unsent, whole: true };
  expect(await other.store.takePulled([body])).toEqual({ ok: true, value: { taken: [], long: [] } });
  const stored = await other.store.load(id);
  expect(stored.ok && stored.value.state).toBeUndefined();
});

test("a document that is pulled again and again without being opened keeps few rows", async () => {
  const [one, other, id] = [aDevice(), aDevice(), newId()];
  for (let round = 0; round < 40; round++) {
    await one.rename(id, `round ${round}`);
    await one.push();
    if (round > 0) await untilFeedMoves();
    await other.readFeed();
    await other.pullAll();
  }
  const stored = await other.store.load(id);
  assert(stored.ok, "read");
  expect(stored.value.rows).toBeLessThan(16);
  expect(await other.title(id)).toBe("round 39");
});

test.each([
  ["the summaries", (write: number) => write > 1],
  ["the texts", (write: number) => write > 250],
])(
  "P4: on a full disk nothing is asked for that could not be stored: no room for %s",
  async (_, fails) => {
    const one = aDevice();
    const ids = Array.from({ length: 120 }, newId);
    for (const id of ids) await one.rename(id, "Mine");
    for (let left = ids.length; left > 0; left -= 100) await one.push();
    const disk = installFailingIndexedDb();
    const other = aDevice();
    await other.library.ready;
    disk.failWrites(fails);
    await other.readFeed(true);
    await other.pullAll();
    const pulls = other.asked.filter((path) => path === "/api/sync/pull").length;
    expect(pulls).toBeLessThanOrEqual(2);
    expect(other.store.health()).toEqual({ type: "failing", reason: "full" });
    await other.pullAll();
    expect(other.asked.filter((path) => path === "/api/sync/pull")).toHaveLength(pulls);
    disk.heal();
    globalThis.indexedDB = new IDBFactory();
  },
  30_000,
);
