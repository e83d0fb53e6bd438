import "fake-indexeddb/auto";
import { openDB } from "idb";
import * as Y from "yjs";
import { beforeEach, describe, expect, test } from "vitest";
import type { ConversationId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { installFailingIndexedDb } from "#tests/support/failing-indexeddb.ts";
import type { FailingIndexedDb } from "#tests/support/failing-indexeddb.ts";
import type { FakeClock } from "#tests/support/fake-clock.ts";
import { createSeededRandom } from "#tests/support/seeded-random.ts";
import { createSimulatedBrowser, until } from "#tests/support/simulated-device.ts";
import { createSimulatedServer } from "#tests/support/simulated-room.ts";
import { DATABASE_VERSION } from "./open-database.ts";
import { localStoreName, openLocalStore } from "./open-local-store.ts";

const random = createSeededRandom(23);
const newId = (): ConversationId => createUuidV7(Date.UTC(2026, 0, 1), random.bytes) as ConversationId;
const NAME = localStoreName("ann", "personal");
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

let device: FailingIndexedDb;
beforeEach(() => {
  device = installFailingIndexedDb();
});

function aBrowser({ up = true } = {}) {
  const server = createSimulatedServer(() => Date.now());
  server.setUp(up);
  return { server, browser: createSimulatedBrowser(server, "ann") };
}

async function storedText(id: ConversationId): Promise<string> {
  const store = openLocalStore(NAME);
  const loaded = await store.load(id);
  store.close();
  const doc = new Y.Doc();
  if (loaded.ok && loaded.value.state) Y.applyUpdate(doc, loaded.value.state);
  return doc.getText("draft").toJSON();
}

/** A device on which a chat holds words that the server never got. */
async function withUnsentWords(id: ConversationId, words: string): Promise<void> {
  const { browser } = aBrowser({ up: false });
  const tab = browser.openTab();
  const { document } = tab.documents.hold(id);
  document.conversation.draft.insert(0, words);
  await until(() => document.outbox().length === 1, browser.clock);
  await tab.close();
}

/** An offline device with unsent words in six chats: more than are opened at once to be sent. */
async function aDeviceWithUnsentChats() {
  const ids = Array.from({ length: 6 }, newId);
  for (const id of ids) await withUnsentWords(id, "unsent");
  const { browser, server } = aBrowser({ up: false });
  const tab = browser.openTab();
  const inMemory = (): ConversationId[] => ids.filter((id) => tab.documents.find(id)?.status().type === "ready");
  await until(() => inMemory().length === 4 && tab.sync.status().type === "offline", browser.clock);
  return { browser, server, tab, notInMemory: ids.filter((id) => !inMemory().includes(id)) };
}

function evict(): void {
  device.forceClose();
  device = installFailingIndexedDb();
}

/** A chat that is on the server and on this device. */
async function aUsedDevice() {
  const { server, browser } = aBrowser();
  const tab = browser.openTab();
  const id = newId();
  tab.documents.open(id).conversation.draft.insert(0, "on the server");
  await until(() => tab.library.entries().length === 1 && tab.library.cursor() > 0, browser.clock);
  await until(() => tab.sync.status().type === "saved", browser.clock);
  await tab.close();
  return { server, id };
}

async function startAgain(server: ReturnType<typeof createSimulatedServer>) {
  const browser = createSimulatedBrowser(server, "ann");
  const tab = browser.openTab();
  await until(() => tab.library.loaded(), browser.clock);
  return { browser, tab };
}

async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10) {
    clock.advance(10);
    await turns(1);
  }
}

/** Keeps a transaction from completing by asking on and on. */
async function keepAlive(store: { get(key: string): Promise<unknown> }, ends: AbortSignal): Promise<void> {
  while (!ends.aborted) await store.get("cursor");
}

const isFailing = (reason: string) => ({ type: "cannot-save", reason });

describe("A6: a database of another version", () => {
  test("a tab that an older one keeps waiting works from memory and the server, and goes on by itself", async () => {
    const id = newId();
    await withUnsentWords(id, "stored before, ");
    const stubborn = await openDB(NAME);
    // This tab is of version N+1 and the other one does not step aside.
    device.raiseVersions();
    const { browser, server } = aBrowser();
    const tab = browser.openTab();
    const open = tab.documents.open(id);
    await until(() => open.status().type === "ready", browser.clock);
    expect(tab.sync.status()).toMatchObject(isFailing("blocked"));
    open.conversation.draft.insert(0, "typed meanwhile");
    await until(() => server.durable(id).getText("draft").toJSON() === "typed meanwhile", browser.clock);
    expect(tab.sync.status()).toMatchObject({ ...isFailing("blocked"), onlyHere: 0 });

    stubborn.close();
    await until(() => tab.sync.status().type === "saved", browser.clock);
    for (const words of ["stored before, ", "typed meanwhile"]) {
      expect(open.conversation.draft.toJSON()).toContain(words);
      expect(server.durable(id).getText("draft").toJSON()).toContain(words);
    }
    await tab.close();
  });

  test("a database of a newer app is left as it is; the chat goes on from memory and the server", async () => {
    const newer = await openDB(NAME, DATABASE_VERSION + 1, { upgrade: (db) => void db.createObjectStore("documents") });
    await newer.put("documents", "of the newer app", "key");
    const { browser, server } = aBrowser();
    const tab = browser.openTab();
    const id = newId();
    const open = tab.documents.open(id);
    open.conversation.draft.insert(0, "to the server");
    await until(() => server.durable(id).getText("draft").toJSON() === "to the server", browser.clock);
    expect(tab.sync.status()).toMatchObject({ ...isFailing("newer"), onlyHere: 0, unsent: 0 });
    await tab.close();
    expect([newer.version, await newer.getAll("documents")]).toEqual([DATABASE_VERSION + 1, ["of the newer app"]]);
    newer.close();
  });

  test("a tab that stepped aside still syncs what is typed, says what is only in it, and writes nothing", async () => {
    const { browser, server } = aBrowser({ up: false });
    const tab = browser.openTab();
    const id = newId();
    const open = tab.documents.open(id);
    await until(() => open.status().type === "ready", browser.clock);
    const newer = await openDB(NAME, DATABASE_VERSION + 1);
    open.conversation.draft.insert(0, "still typing");
    await until(() => JSON.stringify(tab.sync.status()).includes('"onlyHere":1'), browser.clock);
    expect(tab.sync.status()).toEqual({ ...isFailing("superseded"), onlyHere: 1, unsent: 1 });
    server.setUp(true);
    browser.wake();
    await until(() => server.durable(id).getText("draft").toJSON() === "still typing", browser.clock);
    await until(() => JSON.stringify(tab.sync.status()).includes('"unsent":0'), browser.clock);
    await turns(50);
    expect([await newer.count("documents"), await newer.count("updates")]).toEqual([0, 0]);
    newer.close();
    await tab.close();
  });
});

test("a database that does not answer is given up in words after a while, and taken when it answers after all", async () => {
  const id = newId();
  await withUnsentWords(id, "stored before, ");
  const answer = device.holdOpening();
  const { browser, server } = aBrowser();
  const tab = browser.openTab();
  const open = tab.documents.open(id);
  await turns(20);
  expect(open.status().type).toBe("loading");
  await until(() => open.status().type === "ready", browser.clock);
  expect(tab.sync.status()).toMatchObject(isFailing("silent"));
  open.conversation.draft.insert(0, "typed meanwhile");
  await until(() => server.durable(id).getText("draft").toJSON() === "typed meanwhile", browser.clock);

  answer();
  await until(() => tab.sync.status().type === "saved", browser.clock);
  expect(open.conversation.draft.toJSON()).toContain("stored before, ");
  await until(() => server.durable(id).getText("draft").length > "stored before, ".length, browser.clock);
  await tab.close();
  expect(await storedText(id)).toBe(server.durable(id).getText("draft").toJSON());
});

test("A8: a tab frozen in the middle of a write does not keep others from the server, and all is stored when it thaws", async () => {
  const { browser } = aBrowser();
  const tab = browser.openTab();
  const id = newId();
  const open = tab.documents.open(id);
  await until(() => tab.sync.status().type === "saved" && open.status().type === "ready", browser.clock);
  const frozen = await openDB(NAME);
  const write = frozen.transaction([...frozen.objectStoreNames], "readwrite");
  const tabThaws = new AbortController();
  const thawed = keepAlive(write.objectStore("meta"), tabThaws.signal);

  const command = aCommand(id);
  const added: string[] = [];
  tab.commands.onAdded(({ runId }) => added.push(runId));
  const prompt = { id: newId() as never, parentId: undefined, text: "go", createdAt: 1 };
  open.editWithCommand((conversation) => conversation.addPrompt(prompt), command);
  await until(() => added.length === 1, browser.clock);
  expect(tab.sync.status()).toMatchObject({ ...isFailing("silent"), unsent: 0 });
  expect(await Promise.race([tab.commands.list(), pass(browser.clock, 2_000)])).toEqual([command]);

  tabThaws.abort();
  await thawed;
  await write.done;
  frozen.close();
  await until(() => tab.sync.status().type === "saved", browser.clock);
  await tab.close();
  const store = openLocalStore(NAME);
  expect(await store.commands()).toEqual({ ok: true, value: [command] });
  expect(await store.load(id)).toMatchObject({ ok: true, value: { outbox: [] } });
  store.close();
});

test("a private window whose IndexedDB throws: the app opens, works with the server, and says that nothing is kept", async () => {
  globalThis.indexedDB = {
    open() {
      throw new DOMException("denied", "SecurityError");
    },
  } as unknown as IDBFactory;
  const { browser, server } = aBrowser();
  const tab = browser.openTab();
  const id = newId();
  const open = tab.documents.open(id);
  open.conversation.draft.insert(0, "in memory");
  await until(() => server.durable(id).getText("draft").toJSON() === "in memory", browser.clock);
  expect(tab.sync.status()).toEqual({ ...isFailing("unavailable"), onlyHere: 0, unsent: 0 });
  await tab.close();
});

describe("A5: a database that the browser deletes while it is open", () => {
  test("it is opened again by itself, and all that is in memory is written, commands and summaries too", async () => {
    const { browser, server } = aBrowser();
    const tab = browser.openTab();
    const id = newId();
    tab.documents.open(id).conversation.draft.insert(0, "kept");
    await until(
      () => tab.sync.status().type === "saved" && server.durable(id).getText("draft").length > 0,
      browser.clock,
    );
    await until(() => tab.library.entries().length === 1, browser.clock);
    device.forceClose();
    device = installFailingIndexedDb();
    // Nobody writes anything: it is noticed all the same.
    await until(() => device.databases().length > 0, browser.clock);
    await until(() => tab.sync.status().type === "saved", browser.clock);
    await until(() => tab.library.cursor() > 0, browser.clock);
    // One of the next looks at the feed stores it.
    for (let look = 0; look < 3; look++) {
      browser.clock.advance(11_000);
      await turns(200);
    }
    await tab.close();
    expect(await storedText(id)).toBe("kept");
    const store = openLocalStore(NAME);
    const library = await store.library();
    store.close();
    expect(library).toMatchObject({ ok: true, value: { records: [{ id }] } });
    expect(library.ok && library.value.cursor).toBeGreaterThan(0);
  });

  test("a page of the feed that was on its way is not stored with its cursor where the entries before it are gone", async () => {
    const store = openLocalStore(NAME);
    expect((await store.writeFeed({ from: 0, to: 1 }, [feedEntry(newId(), 1)])).ok).toBe(true);
    device.forceClose();
    device = installFailingIndexedDb();
    expect((await store.writeFeed({ from: 0, to: 2 }, [feedEntry(newId(), 2)])).ok).toBe(false);
    await turns(20);
    expect(await store.library()).toMatchObject({ ok: true, value: { cursor: 0, records: [] } });
    store.close();
  });

  test("changes of chats that were in it only are told to be lost, until that is dismissed", async () => {
    const { browser, server, tab } = await aDeviceWithUnsentChats();
    expect(tab.sync.notice()).toBeUndefined();
    evict();
    await until(() => tab.sync.notice() !== undefined, browser.clock);
    expect(tab.sync.notice()).toEqual({ type: "evicted", chats: 2 });
    tab.sync.dismissUnreadable();
    expect(tab.sync.notice()).toBeUndefined();
    server.setUp(true);
    browser.wake();
    await until(() => tab.sync.status().type === "saved", browser.clock);
    expect(tab.sync.notice()).toBeUndefined();
    await tab.close();
  });

  test("nothing is told to be lost that another tab has in memory, or that was not deleted after all", async () => {
    const { browser, tab, notInMemory } = await aDeviceWithUnsentChats();
    const other = browser.openTab();
    for (const id of notInMemory) other.documents.open(id);
    await until(() => notInMemory.every((id) => other.documents.find(id)?.status().type === "ready"), browser.clock);
    evict();
    browser.clock.advance(1_000);
    await turns(100);
    browser.clock.advance(10_000);
    await turns(100);
    expect([tab.sync.notice(), other.sync.notice()]).toEqual([undefined, undefined]);
    device.forceClose();
    browser.clock.advance(10_000);
    await turns(100);
    expect([tab.sync.notice(), other.sync.notice()]).toEqual([undefined, undefined]);
    await tab.close();
    await other.close();
  });

  test("prompts that waited in it are delivered all the same", async () => {
    const id = newId();
    const command = aCommand(id);
    const { browser } = aBrowser({ up: false });
    const before = browser.openTab();
    const prompt = { id: newId() as never, parentId: undefined, text: "go", createdAt: 1 };
    before.documents.open(id).editWithCommand((conversation) => conversation.addPrompt(prompt), command);
    await until(() => JSON.stringify(before.sync.status()).includes('"changes":1'), browser.clock);
    await before.close();
    const tab = browser.openTab();
    expect(await tab.commands.list()).toEqual([command]);
    evict();
    browser.clock.advance(1_000);
    await turns(50);
    expect(await tab.commands.list()).toEqual([command]);
    await tab.close();
    const store = openLocalStore(NAME);
    expect(await store.commands()).toEqual({ ok: true, value: [command] });
    store.close();
  });
});

test("A4: while something did not fit the device is said to be full, though small writes work", async () => {
  const { browser } = aBrowser();
  const tab = browser.openTab();
  const [large, small] = [tab.documents.open(newId()), tab.documents.open(newId())];
  await until(() => large.status().type === "ready" && small.status().type === "ready", browser.clock);
  device.failLargerThan(1_000);
  large.conversation.draft.insert(0, "x".repeat(5_000));
  await until(() => tab.sync.status().type === "cannot-save", browser.clock);
  const said = new Set<string>();
  tab.sync.subscribe(() => said.add(tab.sync.status().type));
  small.conversation.draft.insert(0, "fits");
  await turns(100);
  browser.clock.advance(20_000);
  await turns(100);
  expect([...said].filter((type) => type !== "cannot-save")).toEqual([]);
  device.heal();
  await tab.sync.retryStoring();
  await until(() => tab.sync.status().type === "saved", browser.clock);
  await tab.close();
  expect(await storedText(large.id)).toHaveLength(5_000);
});

describe("A10: a garbled record in any store", () => {
  const GARBAGE: Record<string, unknown>[] = [{ store: "x" }];

  test.each([
    ["summaries", { id: "garbled", feed: 7 }],
    ["summaries", { id: "garbled", local: { summary: GARBAGE } }],
    ["meta", "not a cursor"],
    ["commands", { runId: "r", parameters: null }],
    ["outbox", null],
    ["outbox", { documentId: 5 }],
    ["documents", { id: "garbled", state: "no bytes" }],
    ["updates", { documentId: "garbled", bytes: 7 }],
    ["updates", 7],
    ["quarantine", null],
  ])(
    "%s holding %j: the app starts, the library is whole, and all that is on the server stays saved",
    async (store, record) => {
      const { server, id } = await aUsedDevice();
      const raw = await openDB(NAME);
      const inline = ["summaries", "commands", "documents"].includes(store);
      await (inline || store !== "meta" ? raw.put(store, record) : raw.put(store, record, "cursor"));
      raw.close();
      const { browser, tab } = await startAgain(server);
      await until(() => tab.library.entries().some((entry) => entry.id === id), browser.clock);
      const open = tab.documents.open(id);
      await until(() => open.conversation.draft.toJSON() === "on the server", browser.clock);
      await until(() => tab.sync.status().type === "saved", browser.clock);
      expect(await tab.commands.list()).toEqual([]);
      await tab.close();
    },
  );

  test("an unreadable summary of a chat is replaced from the feed, and told once", async () => {
    const { server, id } = await aUsedDevice();
    const raw = await openDB(NAME);
    await raw.put("summaries", { id, feed: { summary: null } });
    raw.close();
    const { browser, tab } = await startAgain(server);
    await until(() => tab.library.entries().length === 1, browser.clock);
    await until(() => tab.sync.notice() !== undefined, browser.clock);
    expect(tab.sync.notice()).toEqual({ type: "corrupt", records: 1 });
    tab.sync.dismissUnreadable();
    await until(() => tab.sync.notice() === undefined, browser.clock);
    await tab.close();
    const again = await startAgain(server);
    await until(() => again.tab.sync.status().type === "saved", again.browser.clock);
    expect(again.tab.sync.notice()).toBeUndefined();
    await again.tab.close();
    const store = openLocalStore(NAME);
    expect(await store.quarantined()).toMatchObject({ ok: true, value: [{ documentId: id, store: "summaries" }] });
    store.close();
  });

  test("an unreadable summary comes again though a page of the feed was under way in another tab", async () => {
    const { server, id } = await aUsedDevice();
    const other = openLocalStore(NAME);
    const before = await other.library();
    const cursor = before.ok ? before.value.cursor : 0;
    expect(cursor).toBeGreaterThan(0);
    const raw = await openDB(NAME);
    await raw.put("summaries", { id, feed: { summary: null } });
    raw.close();
    const worker = openLocalStore(NAME);
    expect(await worker.library()).toMatchObject({ ok: true, value: { cursor: 0, records: [] } });
    worker.close();
    await other.writeFeed({ from: cursor, to: cursor + 1 }, []);
    other.close();
    const { browser, tab } = await startAgain(server);
    await until(() => tab.library.entries().length === 1, browser.clock);
    await tab.close();
  });

  test("where an outbox row does not say whose it is, what it stood for is sent all the same", async () => {
    const id = newId();
    await withUnsentWords(id, "never sent");
    const raw = await openDB(NAME);
    const [key] = await raw.getAllKeys("outbox");
    await raw.put("outbox", { documentId: "?" }, key);
    raw.close();
    const { server, browser } = aBrowser();
    const tab = browser.openTab();
    await until(() => server.durable(id).getText("draft").length > 0, browser.clock);
    await until(() => tab.sync.status().type === "saved", browser.clock);
    expect(server.durable(id).getText("draft").toJSON()).toBe("never sent");
    await tab.close();
  });

  test("P4: an edit whose row was garbled as a whole, and that was never sent, is not called saved", async () => {
    const id = newId();
    await withUnsentWords(id, "never sent");
    const raw = await openDB(NAME);
    const update = await raw.add("updates", { not: "a row" });
    await raw.add("outbox", { documentId: id, update });
    raw.close();
    const { browser } = aBrowser();
    const tab = browser.openTab();
    const said = new Set<string>();
    tab.sync.subscribe(() => said.add(tab.sync.status().type));
    await until(() => tab.sync.status().type === "refused", browser.clock);
    expect(tab.sync.status()).toEqual({ type: "refused", documents: 1, unreadable: 1 });
    expect(said).not.toContain("saved");
    await tab.close();
  });
});

const aCommand = (conversationId: string) => ({
  runId: newId(),
  conversationId,
  parentMessageId: newId(),
  messageId: newId(),
  model: "m",
  parameters: {},
  createdAt: 1,
});

const feedEntry = (id: ConversationId, feedSeq: number) => ({
  kind: "conversation" as const,
  id,
  feedSeq,
  epoch: 0,
  headSeq: 1,
  activityAt: feedSeq,
  summary: { title: "t", excerpt: "", pinned: false, archived: false, deleted: false, tags: [], messageCount: 1 },
});
