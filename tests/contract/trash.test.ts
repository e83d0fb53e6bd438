import { createKeptEdits } from "#client/local-store/kept-edits.ts";
import { createMemoryStorage } from "#client/platform/memory-storage.ts";
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import { editConversation } from "#client/features/library/edit-conversation.ts";
import { recoverChat } from "#client/features/library/recover-chat.ts";
import { restoreChat } from "#client/features/library/restore-chat.ts";
import type { LibraryEntry } from "#client/local-store/library.ts";
import type { OpenSocket } from "#client/platform/platform.ts";
import type { WorkspaceSync } from "#client/sync/workspace-sync.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { AppEnv } from "#server/http/app-env.ts";
import { conversationRoutes } from "#server/http/conversations.ts";
import { feedRoutes } from "#server/http/feed.ts";
import { openErasure } from "#server/jobs/erasure.ts";
import type { Erasure } from "#server/jobs/erasure.ts";
import { openRooms } from "#server/rooms/open-rooms.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import type { Database } from "#server/storage/database.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import type { ConversationDocument } from "#shared/documents/conversation.ts";
import type { AccountId, ConversationId, MessageId, WorkspaceId } from "#shared/domain/ids.ts";
import { parseRoomName } from "#shared/domain/room-name.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import type { FakeClock } from "#tests/support/fake-clock.ts";
import { createSimulatedBrowser } from "#tests/support/simulated-device.ts";

// One person's devices, the app without its UI, against the real rooms, feed and erasure on a real database.

const DAY = 86_400_000;
const ann: AccountPrincipal = {
  kind: "guest",
  accountId: "ann" as AccountId,
  workspaceId: "anns" as WorkspaceId,
  role: "owner",
  credential: { type: "session", sessionId: "1" },
};
const newId = (): string => createUuidV7(Date.now(), (length) => crypto.getRandomValues(new Uint8Array(length)));

let folder: string;
let database: Database;
let clock: FakeClock;
/** how far the server's wall clock is ahead of the one its timers go by */
let ahead: number;
let rooms: Rooms;
let erasure: Erasure;
let app: Hono<AppEnv>;
let devices: Device[] = [];

beforeEach(async () => {
  globalThis.indexedDB = new IDBFactory();
  folder = await mkdtemp(join(tmpdir(), "holdfast-trash-"));
  database = await openDatabase({ file: join(folder, "holdfast.sqlite") });
  clock = createFakeClock();
  ahead = 0;
  const wall = { now: () => clock.now() + ahead, steady: () => clock.now(), after: clock.after };
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  rooms = openRooms({ database, clock: wall, random: Math.random, log });
  erasure = openErasure({ database, rooms, clock: wall, log });
  app = new Hono<AppEnv>()
    .use(async (c, next) => {
      c.set("principal", ann);
      await next();
    })
    .route("/api/conversations", conversationRoutes(erasure))
    .route("/api/sync/feed", feedRoutes(database));
});
afterEach(async () => {
  for (const device of devices) await device.tab().close();
  devices = [];
  await erasure.close();
  await rooms.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

/** A device with a store of its own, which can be away. */
interface Device {
  clock: FakeClock;
  tab(): WorkspaceSync;
  leave(): void;
  /** @param sockets only they get through */
  comeBack(sockets?: "sockets only"): void;
  /** Lets requests to erase wait on their way, past a loss of the network. */
  holdErasures(): { asked: boolean; answered: boolean; letGo(): void };
  /** Closes the app and opens it again. */
  reopen(): Promise<void>;
  entry(id: ConversationId): LibraryEntry | undefined;
  /** Opens a conversation, edits it and lets go of it. */
  edit(id: ConversationId, change: (conversation: ConversationDocument) => void): Promise<void>;
  saved(): Promise<void>;
}

function aDevice(name: string): Device {
  let away = false;
  let socketsOnly = false;
  let held: { asked: boolean; answered: boolean; wait: Promise<void> } | undefined;
  const cuts = new Set<() => void>();
  const openSocket: OpenSocket = (path, _protocols, events) => {
    let session: ReturnType<Rooms["join"]> | undefined;
    const cut = (): void => {
      cuts.delete(cut);
      session?.left();
      events.onClose(1006);
    };
    queueMicrotask(() => {
      const room = parseRoomName(path.replace("/sync/", ""));
      if (away || !room) return events.onClose(1006);
      cuts.add(cut);
      events.onOpen();
      const transport = {
        send: (frame: Uint8Array) => queueMicrotask(() => cuts.has(cut) && events.onMessage(frame)),
        close: (code: number) => queueMicrotask(() => cuts.delete(cut) && events.onClose(code)),
        bufferedBytes: () => 0,
      };
      session = rooms.join(ann, room, transport, true);
    });
    return {
      send: (frame) => queueMicrotask(() => cuts.has(cut) && session?.receive(frame)),
      close: () => cuts.delete(cut) && session?.left(),
      bufferedBytes: () => 0,
    };
  };
  const fetch: typeof globalThis.fetch = async (input, init) => {
    if (away || socketsOnly) throw new TypeError("no network");
    if (init?.method !== "DELETE" || !held) return await app.request(String(input), init);
    held.asked = true;
    await held.wait;
    const response = await app.request(String(input), init);
    held.answered = true;
    return response;
  };
  const browser = createSimulatedBrowser({ openSocket, fetch }, name);
  let tab: WorkspaceSync = browser.openTab();
  const device: Device = {
    clock: browser.clock,
    tab: () => tab,
    leave() {
      away = true;
      for (const cut of cuts) cut();
    },
    comeBack(sockets) {
      away = false;
      socketsOnly = sockets !== undefined;
      browser.wake();
    },
    holdErasures() {
      let resolveWait: (() => void) | undefined;
      const wait = new Promise<void>((resolve) => (resolveWait = resolve));
      const requests = { asked: false, answered: false, wait, letGo: () => resolveWait?.() };
      held = requests;
      return requests;
    },
    async reopen() {
      await tab.close();
      tab = browser.openTab();
    },
    entry: (id) => tab.library.entries().find((one) => one.id === id),
    async edit(id, change) {
      const open = tab.documents.open(id);
      await until(() => open.status().type === "ready");
      change(open.conversation);
      await until(() => tab.sync.status().type !== "saving");
      open.release();
    },
    saved: () => until(() => tab.sync.status().type === "saved"),
  };
  devices.push(device);
  return device;
}

/** Lets time pass everywhere until the condition holds. */
async function until(condition: () => boolean): Promise<void> {
  const giveUpAt = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > giveUpAt) throw new Error("the condition never came to hold");
    clock.advance(50);
    for (const device of devices) device.clock.advance(50);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const prompt = (text: string) => (conversation: ConversationDocument) =>
  conversation.addPrompt({ id: newId() as MessageId, parentId: undefined, text, createdAt: 1 });
const wordsIn = (id: ConversationId) =>
  rooms.read(ann, id, (conversation) =>
    [...conversation.messages()]
      .map(({ text }) => text)
      .toSorted()
      .join(" "),
  );

/** A chat that two devices have. */
async function aSharedChat(): Promise<{ id: ConversationId; one: Device; other: Device }> {
  const id = newId() as ConversationId;
  const one = aDevice("one");
  const other = aDevice("other");
  await one.edit(id, prompt("tides"));
  await one.saved();
  await until(() => other.entry(id) !== undefined);
  const open = other.tab().documents.open(id);
  await until(() => open.conversation.branch().length === 1);
  open.release();
  return { id, one, other };
}

test("C12: edits of a device that was away for weeks do not bring a deleted chat back: they wait in its trash", async () => {
  const { id, one, other } = await aSharedChat();
  other.leave();
  await other.edit(id, prompt("written on a mountain"));
  await one.edit(id, (conversation) => conversation.setDeleted(true));
  await one.saved();
  ahead += 20 * DAY;
  other.comeBack();
  await other.saved();
  await until(() => other.entry(id)?.summary.deleted === true);
  expect(other.entry(id)).toMatchObject({ changedAfterDeletion: true, erased: false });
  await until(() => one.entry(id)?.summary.messageCount === 2);
  expect(one.entry(id)).toMatchObject({ changedAfterDeletion: false, summary: { deleted: true } });
  expect(await wordsIn(id)).toBe("tides written on a mountain");
  const { documents } = other.tab();
  await Promise.all([restoreChat(documents, other.clock, id), other.saved()]);
  await until(() => one.entry(id)?.summary.deleted === false);
  expect(other.entry(id)).toMatchObject({ changedAfterDeletion: false, summary: { deleted: false } });
}, 60_000);

test("C12: the same where the app was closed meanwhile, and nobody opens the chat", async () => {
  const { id, one, other } = await aSharedChat();
  other.leave();
  await other.edit(id, prompt("written on a mountain"));
  await one.edit(id, (conversation) => conversation.setDeleted(true));
  await one.saved();
  await other.reopen();
  other.comeBack();
  await other.saved();
  await until(() => other.entry(id)?.summary.deleted === true);
  expect(other.entry(id)).toMatchObject({ changedAfterDeletion: true });
  await other.reopen();
  await until(() => other.tab().library.loaded());
  expect(other.entry(id)).toMatchObject({ changedAfterDeletion: true });
}, 60_000);

test("C12: the same where the deletion comes by sync, before the feed tells of it", async () => {
  const { id, one, other } = await aSharedChat();
  other.leave();
  await other.edit(id, prompt("written on a mountain"));
  await one.edit(id, (conversation) => conversation.setDeleted(true));
  await one.saved();
  other.comeBack("sockets only");
  await until(() => other.entry(id)?.summary.deleted === true);
  expect(other.entry(id)).toMatchObject({ changedAfterDeletion: true, deletedAt: undefined });
  other.comeBack();
  await until(() => other.entry(id)?.deletedAt !== undefined);
  expect(other.entry(id)).toMatchObject({ changedAfterDeletion: true });
}, 60_000);

test("C12: a device that deletes a chat itself, or has nothing to send, does not mark it", async () => {
  const { id, one, other } = await aSharedChat();
  one.leave();
  await one.edit(id, prompt("and then deleted"));
  await one.edit(id, (conversation) => conversation.setDeleted(true));
  one.comeBack();
  await one.saved();
  await until(() => other.entry(id)?.summary.deleted === true);
  await until(() => one.entry(id)?.deletedAt !== undefined);
  expect([one.entry(id)?.changedAfterDeletion, other.entry(id)?.changedAfterDeletion]).toEqual([false, false]);
}, 60_000);

test("C13: what was erased while a device with edits was away can be made a new chat there, and nobody else sees the old one", async () => {
  const { id, one, other } = await aSharedChat();
  other.leave();
  await other.edit(id, prompt("written on a mountain"));
  await one.edit(id, (conversation) => conversation.setDeleted(true));
  await one.saved();
  await until(() => one.entry(id)?.deletedAt !== undefined);
  ahead += 31 * DAY;
  expect(await erasure.look()).toBe(1);
  await until(() => one.entry(id) === undefined);

  other.comeBack();
  await until(() => other.entry(id)?.erased === true);
  expect(other.entry(id)).toMatchObject({ changedAfterDeletion: true, summary: { deleted: true } });
  const recovering = recoverChat(
    { ...other.tab(), keptEdits: (of) => createKeptEdits(createMemoryStorage, of), newId },
    id,
  );
  let recovered: ConversationId | undefined;
  void recovering.then((made) => (recovered = made));
  await until(() => recovered !== undefined);
  await other.saved();
  expect(other.entry(id)).toBeUndefined();
  await until(() => recovered !== undefined && one.entry(recovered) !== undefined);
  expect(one.entry(recovered!)).toMatchObject({ summary: { title: "tides (recovered)", deleted: false } });
  expect(await wordsIn(recovered!)).toBe("tides written on a mountain");
  expect(await wordsIn(id)).toBeUndefined();
}, 60_000);

test("C13: an erasure asked for offline survives a reload, reaches the server after the deletion, and then every device", async () => {
  const { id, one, other } = await aSharedChat();
  one.leave();
  await one.edit(id, (conversation) => conversation.setDeleted(true));
  one.tab().library.setErasing(id, true);
  await until(() => one.entry(id)?.erasing === true);
  await one.reopen();
  await until(() => one.entry(id)?.erasing === true);
  one.comeBack();
  await until(() => one.entry(id) === undefined);
  await until(() => other.entry(id) === undefined);
  await Promise.all([one.saved(), other.saved()]);
  expect(await wordsIn(id)).toBeUndefined();
}, 60_000);

test("C13: a whole trash is emptied, however many chats are in it", async () => {
  const one = aDevice("one");
  const ids = Array.from({ length: 30 }, () => newId() as ConversationId);
  for (const id of ids) {
    await one.edit(id, prompt("tides"));
    await one.edit(id, (conversation) => conversation.setDeleted(true));
  }
  await one.saved();
  for (const id of ids) one.tab().library.setErasing(id, true);
  await until(() => one.tab().library.entries().length === 0);
  const { rows } = await sql<{ n: number }>`select count(*) as n from doc_update`.execute(database.executor);
  expect(rows).toEqual([{ n: 0 }]);
}, 60_000);

test("C13: undoing a deletion that was followed by an erasure makes no new chat of nothing", async () => {
  const { id, one } = await aSharedChat();
  await one.edit(id, (conversation) => conversation.setDeleted(true));
  await one.saved();
  one.tab().library.setErasing(id, true);
  await until(() => one.entry(id) === undefined);
  let undone: boolean | undefined;
  void editConversation(one.tab().documents, id, (conversation) => conversation.setDeleted(false)).then(
    (done) => (undone = done),
  );
  await until(() => undone !== undefined);
  expect(undone).toBe(false);
  await one.saved();
  expect(one.entry(id)).toBeUndefined();
}, 60_000);

test("C13: a wish to erase that was not answered yet ends with restoring", async () => {
  const { id, one } = await aSharedChat();
  one.leave();
  await one.edit(id, (conversation) => conversation.setDeleted(true));
  one.tab().library.setErasing(id, true);
  await until(() => one.entry(id)?.erasing === true);
  await restoreChat(one.tab().documents, one.clock, id);
  one.comeBack();
  await one.saved();
  expect(one.entry(id)).toMatchObject({ erasing: false, summary: { deleted: false } });
  expect(await wordsIn(id)).toBe("tides");
}, 60_000);

test("C13: a chat restored while the request to erase it is on its way is not thrown away with the answer", async () => {
  const { id, one } = await aSharedChat();
  await one.edit(id, (conversation) => conversation.setDeleted(true));
  await one.saved();
  const held = one.holdErasures();
  one.tab().library.setErasing(id, true);
  await until(() => held.asked);
  one.leave();
  await restoreChat(one.tab().documents, one.clock, id);
  expect(one.entry(id)).toMatchObject({ erasing: false, summary: { deleted: false } });
  held.letGo();
  await until(() => held.answered);
  expect(await wordsIn(id)).toBeUndefined();
  // What the answer leads to is done before the feed tells of it.
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(one.entry(id)).toMatchObject({ erased: false, summary: { deleted: false } });
  one.comeBack();
  await until(() => one.entry(id)?.erased === true);
  expect(one.entry(id)).toMatchObject({ changedAfterDeletion: true, summary: { title: "" } });
}, 60_000);
