import "fake-indexeddb/auto";
import { openDB } from "idb";
import { IndexeddbPersistence } from "y-indexeddb";
import * as Y from "yjs";
import { beforeEach, describe, expect, test } from "vitest";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { installFailingIndexedDb } from "#tests/support/failing-indexeddb.ts";
import type { FailingIndexedDb } from "#tests/support/failing-indexeddb.ts";
import { createSeededRandom } from "#tests/support/seeded-random.ts";
import { createSimulatedBrowser, until } from "#tests/support/simulated-device.ts";
import { createSimulatedServer } from "#tests/support/simulated-room.ts";
import { DATABASE_VERSION } from "./open-database.ts";
import { localStoreName, openLocalStore } from "./open-local-store.ts";

const random = createSeededRandom(11);
const newId = (): string => createUuidV7(Date.UTC(2026, 0, 1), random.bytes);
const NAME = localStoreName("ann", "personal");
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

let device: FailingIndexedDb;
beforeEach(() => {
  device = installFailingIndexedDb();
});

function offlineTab() {
  const server = createSimulatedServer(() => Date.now());
  server.setUp(false);
  const browser = createSimulatedBrowser(server, "ann");
  return { server, browser, tab: browser.openTab(), id: newId() as ConversationId };
}

async function storedText(id: ConversationId): Promise<string> {
  const store = openLocalStore(NAME);
  const loaded = await store.load(id);
  store.close();
  const doc = new Y.Doc();
  if (loaded.ok && loaded.value.state) Y.applyUpdate(doc, loaded.value.state);
  return doc.getText("draft").toJSON();
}

describe("A4: a full disk", () => {
  test("failing at any single write loses nothing, is said, and is made up for", async () => {
    for (let nth = 1; nth <= 14; nth++) {
      device = installFailingIndexedDb();
      const { tab, browser, id } = offlineTab();
      const open = tab.documents.open(id);
      await until(() => open.status().type === "ready");
      device.failWrites((write) => write === nth);
      let failed = false;
      tab.sync.subscribe(() => (failed ||= tab.sync.status().type === "cannot-save"));
      for (const word of ["one ", "two ", "three "]) {
        open.conversation.draft.insert(open.conversation.draft.length, word);
        browser.clock.advance(300);
        await turns(15);
        expect(tab.sync.status().type).not.toBe("saved");
      }
      expect(open.conversation.draft.toJSON()).toBe("one two three ");
      const writes = device.heal();
      expect(failed).toBe(nth <= writes);
      await until(() => tab.sync.status().type === "offline", browser.clock);
      await tab.close();
      expect(await storedText(id)).toBe("one two three ");
    }
  });

  test("while it lasts sync goes on from memory, and the whole state is written once there is room", async () => {
    const { tab, browser, server, id } = offlineTab();
    const open = tab.documents.open(id);
    await until(() => open.status().type === "ready");
    device.failWrites(() => true);
    open.conversation.draft.insert(0, "kept in memory");
    await until(() => tab.sync.status().type === "cannot-save", browser.clock);
    expect(tab.sync.status()).toMatchObject({ type: "cannot-save", reason: "full" });
    server.setUp(true);
    browser.wake();
    await until(() => server.durable(id).getText("draft").toJSON() === "kept in memory", browser.clock);
    expect(tab.sync.status().type).toBe("cannot-save");

    device.heal();
    await until(() => tab.sync.status().type === "saved", browser.clock);
    await tab.close();
    expect(await storedText(id)).toBe("kept in memory");
  });

  test("a command whose transaction fails is still handed to delivery, and stored when there is room", async () => {
    const { tab, browser, id } = offlineTab();
    const open = tab.documents.open(id);
    await until(() => open.status().type === "ready");
    device.failWrites(() => true);
    const command = {
      runId: newId(),
      conversationId: id,
      parentMessageId: newId(),
      messageId: newId(),
      model: "m",
      parameters: {},
      createdAt: 1,
    };
    const added: string[] = [];
    tab.commands.onAdded(({ runId }) => added.push(runId));
    const prompt = { id: newId() as MessageId, parentId: undefined, text: "go", createdAt: 1 };
    open.editWithCommand((conversation) => conversation.addPrompt(prompt), command);
    await until(() => added.length === 1);
    expect(tab.sync.status()).toMatchObject({ type: "cannot-save", reason: "full" });
    device.heal();
    await until(() => tab.sync.status().type === "offline", browser.clock);
    await tab.close();
    const store = openLocalStore(NAME);
    expect(await store.commands()).toEqual({ ok: true, value: [command] });
    store.close();
    expect(added).toEqual([command.runId]);
  });
});

test.each(["kept", "evicted"])(
  "A5: a connection the browser closes is reopened and the full state written (data %s)",
  async (data) => {
    const { tab, browser, id } = offlineTab();
    const open = tab.documents.open(id);
    open.conversation.draft.insert(0, "before ");
    await until(() => JSON.stringify(tab.sync.status()).includes('"changes":1'), browser.clock);
    device.forceClose();
    if (data === "evicted") device = installFailingIndexedDb();
    open.conversation.draft.insert(7, "and after");
    browser.clock.advance(300);
    await turns(50);
    await tab.close();
    expect(await storedText(id)).toBe("before and after");
  },
);

test("A5: an edit is not stored alone in a database that lost the one it builds on", async () => {
  const { tab, browser, id } = offlineTab();
  const open = tab.documents.open(id);
  open.conversation.draft.insert(0, "before ");
  await until(() => JSON.stringify(tab.sync.status()).includes('"changes":1'), browser.clock);
  device.forceClose();
  device = installFailingIndexedDb();
  open.conversation.draft.insert(7, "and after");
  // The tab dies before it wrote everything anew.
  await turns(50);
  const updates = await (await openDB(NAME)).count("updates");
  expect(updates).toBe(0);
});

test("A6: a newer app's upgrade makes this tab step aside and say so", async () => {
  const { tab, browser, id } = offlineTab();
  const open = tab.documents.open(id);
  await until(() => open.status().type === "ready");
  const newer = await openDB(NAME, DATABASE_VERSION + 1);
  expect(tab.sync.status()).toMatchObject({ type: "cannot-save", reason: "superseded" });
  open.conversation.draft.insert(0, "still typing");
  browser.clock.advance(300);
  await turns(20);
  expect(tab.sync.status()).toMatchObject({ type: "cannot-save", reason: "superseded" });
  expect(open.conversation.draft.toJSON()).toBe("still typing");
  newer.close();
  await tab.close();
});

test("A10: a corrupt record is set aside, the rest opens, and the server's copy fills the hole", async () => {
  const { tab, browser, server, id } = offlineTab();
  server.setUp(true);
  const open = tab.documents.open(id);
  open.conversation.draft.insert(0, "whole ");
  await until(
    () => tab.sync.status().type === "saved" && server.durable(id).getText("draft").length > 0,
    browser.clock,
  );
  open.conversation.draft.insert(6, "again");
  await until(
    () => tab.sync.status().type === "saved" && server.durable(id).getText("draft").length > 6,
    browser.clock,
  );
  await tab.close();

  const raw = await openDB(NAME);
  await raw.put("documents", { id, epoch: 0, state: new Uint8Array([1, 1, 255, 255, 3]) });
  raw.close();
  const again = createSimulatedBrowser(server, "ann");
  const after = again.openTab();
  const reopened = after.documents.open(id);
  await until(() => reopened.conversation.draft.toJSON() === "whole again", again.clock);
  await after.close();
  const store = openLocalStore(NAME);
  expect(await store.quarantined()).toMatchObject({ ok: true, value: [{ documentId: id, reason: "corrupt" }] });
  store.close();
});

test.each(["row", "state"] as const)(
  "A10, P4: an edit that can no longer be read and never reached the server is not called saved (%s)",
  async (where) => {
    const { tab, browser, server, id } = offlineTab();
    const open = tab.documents.open(id);
    open.conversation.draft.insert(0, "never sent");
    await until(() => JSON.stringify(tab.sync.status()).includes('"changes":1'), browser.clock);
    await tab.close(); // folds the row into the state
    const raw = await openDB(NAME);
    const garbage = new Uint8Array([1, 1, 255, 255, 3]);
    if (where === "state") await raw.put("documents", { id, epoch: 0, state: garbage });
    else {
      const update = await raw.add("updates", { documentId: id, bytes: garbage });
      await raw.add("outbox", { documentId: id, update });
    }
    raw.close();

    server.setUp(true);
    const again = createSimulatedBrowser(server, "ann");
    const after = again.openTab();
    const said = new Set<string>();
    after.sync.subscribe(() => said.add(after.sync.status().type));
    await until(() => after.sync.status().type === "refused", again.clock);
    expect(after.sync.status()).toEqual({ type: "refused", documents: 1, unreadable: 1 });
    expect(said).not.toContain("saved");
    after.sync.dismissUnreadable();
    await until(() => after.sync.status().type === "saved", again.clock);
    await after.close();
    const store = openLocalStore(NAME);
    expect(await store.quarantined()).toMatchObject({ ok: true, value: [{ content: garbage }] });
    store.close();
  },
);

test("without IndexedDB everything works in memory, and the status says that nothing is kept", async () => {
  Reflect.deleteProperty(globalThis, "indexedDB");
  const { tab, browser, server, id } = offlineTab();
  server.setUp(true);
  const open = tab.documents.open(id);
  open.conversation.draft.insert(0, "in memory");
  await until(() => server.durable(id).getText("draft").toJSON() === "in memory", browser.clock);
  expect(tab.sync.status()).toMatchObject({ type: "cannot-save", reason: "unavailable" });
  expect(open.status().type).toBe("ready");
  await tab.close();
});

describe("next to y-indexeddb, with the same faults", () => {
  test("at a full disk it calls itself synced and keeps nothing, without a word; ours says so and rewrites", async () => {
    const doc = new Y.Doc();
    const peer = new IndexeddbPersistence("peer", doc);
    await peer.whenSynced;
    device.failWrites(() => true);
    doc.getText("draft").insert(0, "lost");
    await turns(30);
    expect(peer.synced).toBe(true);
    device.heal();
    await peer.destroy();
    const reread = new Y.Doc();
    const rereader = new IndexeddbPersistence("peer", reread);
    await rereader.whenSynced;
    expect(reread.getText("draft").toJSON()).toBe("");
    await rereader.destroy();

    const { tab, browser, id } = offlineTab();
    const open = tab.documents.open(id);
    await until(() => open.status().type === "ready");
    device.failWrites(() => true);
    open.conversation.draft.insert(0, "kept");
    await until(() => tab.sync.status().type === "cannot-save", browser.clock);
    device.heal();
    await until(() => tab.sync.status().type === "offline", browser.clock);
    await tab.close();
    expect(await storedText(id)).toBe("kept");
  });

  test("after 2,000 appends ours holds fewer than 200 rows, y-indexeddb one for each", async () => {
    const appends = 2_000;
    const doc = new Y.Doc();
    const peer = new IndexeddbPersistence("peer", doc);
    await peer.whenSynced;
    for (let append = 0; append < appends; append++) doc.getText("draft").insert(append, "x");
    // The tab is closed when the answer is there; the peer trims only a second after the last append.
    await peer.destroy();
    const peerRows = await (await openDB("peer")).count("updates");

    const { tab, browser, id } = offlineTab();
    const open = tab.documents.open(id);
    await until(() => open.status().type === "ready");
    for (let append = 0; append < appends; append++) {
      open.conversation.draft.insert(append, "x");
      browser.clock.advance(50);
      if (append % 50 === 49) await turns(12);
    }
    await tab.close();
    const raw = await openDB(NAME);
    const ourRows = await raw.count("updates");
    raw.close();
    expect(peerRows).toBeGreaterThanOrEqual(appends);
    expect(ourRows).toBeLessThan(200);
    expect(await storedText(id)).toBe("x".repeat(appends));
  });
});
