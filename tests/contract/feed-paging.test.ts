import "fake-indexeddb/auto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { openLibrary } from "#client/local-store/open-library.ts";
import { openLocalStore } from "#client/local-store/open-local-store.ts";
import { openTabs } from "#client/local-store/tab-messages.ts";
import { openFeed } from "#client/sync/feed.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { AccountId, ConversationId, WorkspaceId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { encodeFrame, parseFrame } from "#shared/protocol/sync-frames.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { AppEnv } from "#server/http/app-env.ts";
import { feedRoutes } from "#server/http/feed.ts";
import { openRooms } from "#server/rooms/open-rooms.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import { createFakeClock } from "../support/fake-clock.ts";
import { createSeededRandom } from "../support/seeded-random.ts";
import { allTables } from "#tests/support/all-tables.ts";

const DOCUMENTS = 1_200;
const random = createSeededRandom(31);
const principal: AccountPrincipal = {
  kind: "guest",
  accountId: "ann" as AccountId,
  workspaceId: "anns" as WorkspaceId,
  role: "owner",
  credential: { type: "session", sessionId: "session" },
};
const none = (): (() => void) => () => undefined;

/** Writes one conversation through a real room; resolves once it is acknowledged. */
function write(rooms: Rooms, id: ConversationId, title: string, deleted: boolean): Promise<void> {
  const doc = new Y.Doc();
  const conversation = openConversation(doc, "test");
  conversation.rename(title);
  if (deleted) conversation.setDeleted(true);
  return new Promise((resolve) => {
    const session = rooms.join(
      principal,
      { kind: "conversation", id, epoch: 0 },
      {
        send(frame) {
          const parsed = parseFrame(frame);
          if (!parsed.ok || parsed.value.type !== "ack") return;
          resolve();
          queueMicrotask(() => session.left());
        },
        close: (code, reason) => {
          throw new Error(`${code} ${reason}`);
        },
        bufferedBytes: () => 0,
      },
      true,
    );
    session.receive(encodeFrame({ type: "update", update: Y.encodeStateAsUpdate(doc) }));
  });
}

test("a new device reads a library of 1,200 chats page by page, deleted ones among them, and ends at the server's cursor", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-feed-"));
  const database = await openDatabase({ file: join(folder, "holdfast.sqlite") });
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const serverClock = createFakeClock();
  const rooms = openRooms({ database, clock: serverClock, random: random.next, log });
  const ids = Array.from({ length: DOCUMENTS }, (_, index) => createUuidV7(index + 1, random.bytes) as ConversationId);
  await Promise.all(ids.map((id, index) => write(rooms, id, `chat ${index}`, index % 100 === 0)));

  const app = new Hono<AppEnv>();
  app.use(async (c, next) => {
    c.set("principal", principal);
    await next();
  });
  app.route("/api/sync/feed", feedRoutes(database));
  const asked: string[] = [];
  const life = new AbortController();
  const store = openLocalStore("feed-paging");
  const library = openLibrary(
    store,
    openTabs({ post: () => undefined, onMessage: () => () => undefined }, life.signal),
  );
  const complete = new Promise<void>((resolve) => {
    library.subscribe(() => library.entries().length === DOCUMENTS && resolve());
  });
  openFeed(
    {
      clock: createFakeClock(),
      random: random.next,
      fetch: async (input) => {
        asked.push(String(input));
        return await app.request(String(input));
      },
      connectivity: { online: () => true, onWake: none, onOffline: none },
      visibility: { visible: () => true, onHide: none },
    },
    library,
    { pull: async () => "done" },
    { contact: () => undefined, failure: () => undefined, sessionWorks: () => undefined },
    life.signal,
  );
  await complete;

  const shown = new Map(library.entries().map((entry) => [entry.id, entry.summary]));
  expect(asked).toHaveLength(3);
  ids.forEach((id, index) => {
    expect(shown.get(id)).toMatchObject({ title: `chat ${index}`, deleted: index % 100 === 0 });
  });
  const last = await allTables(database)
    .selectFrom("feed")
    .select((select) => select.fn.max("feed_seq").as("seq"))
    .executeTakeFirst();
  expect(library.cursor()).toBe(last?.seq);
  life.abort();
  store.close();
  await rooms.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);
