import "fake-indexeddb/auto";
import { deleteDB } from "idb";
import { beforeEach, expect, test } from "vitest";
import * as Y from "yjs";
import { moveLibrary } from "#client/local-store/move-library.ts";
import { localStoreName, openLocalStore } from "#client/local-store/open-local-store.ts";
import type { TabMessage } from "#client/local-store/tab-messages.ts";
import { noLocks } from "#client/platform/locks.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { installFailingIndexedDb } from "#tests/support/failing-indexeddb.ts";
import type { FailingIndexedDb } from "#tests/support/failing-indexeddb.ts";
import { createSeededRandom } from "#tests/support/seeded-random.ts";
import { createSimulatedBrowser, until } from "#tests/support/simulated-device.ts";
import { createSimulatedServer } from "#tests/support/simulated-room.ts";

const random = createSeededRandom(5);
const NAME = localStoreName("ann", "personal");
const signal = new AbortController().signal;
const names = async (): Promise<string[]> => (await indexedDB.databases()).flatMap(({ name }) => name ?? []);

let device: FailingIndexedDb;
beforeEach(() => void (device = installFailingIndexedDb()));

function openTabs() {
  const server = createSimulatedServer(() => Date.now());
  server.setUp(false);
  const browser = createSimulatedBrowser(server, "ann");
  const [tab, other] = [browser.openTab(), browser.openTab()];
  const told: string[] = [];
  tab.onLetGo(() => told.push("tab"));
  other.onLetGo(() => told.push("other"));
  const open = tab.documents.open(createUuidV7(Date.UTC(2026, 0, 1), random.bytes) as ConversationId);
  return { browser, tab, other, told, open };
}

test.each([
  { connection: "open", isLost: false },
  // Nobody tells such a tab of the deletion, and it would open the database again.
  { connection: "lost", isLost: true },
])(
  "tabs let go of a database that is wiped, and nothing they hold brings it back ($connection)",
  async ({ isLost }) => {
    const { browser, tab, other, told, open } = openTabs();
    await until(() => open.status().type === "ready");
    open.conversation.setDraft("not stored yet");
    const letGo: TabMessage = { type: "let-go", because: "wiped" };
    browser.openBroadcast(NAME, signal).post(letGo);
    await until(() => told.length === 2);
    if (isLost) device.forceClose();
    await deleteDB(NAME);

    open.conversation.setDraft("still typing");
    for (let turn = 0; turn < 100; turn++) {
      browser.clock.advance(50);
      await new Promise((resolve) => setImmediate(resolve));
    }
    browser.hide();
    browser.wake();
    await tab.close();
    await other.close();
    expect(await names()).toEqual([]);
  },
);

test("tabs store what they hold in memory before they let go of a database that is moved", async () => {
  const { browser, told, open } = openTabs();
  await until(() => open.status().type === "ready");
  open.conversation.setDraft("not stored yet");
  const to = localStoreName("ann", "other");
  const parts = { platform: browser, locks: noLocks };
  let moved: unknown;
  void moveLibrary(parts, { from: NAME, to }, signal).then((outcome) => (moved = outcome));
  await until(() => moved !== undefined && told.length === 2, browser.clock);
  expect(moved).toEqual({ ok: true, value: 1 });
  const store = openLocalStore(to);
  const read = await store.load(open.id);
  store.close();
  const doc = new Y.Doc();
  if (read.ok && read.value.state) Y.applyUpdate(doc, read.value.state);
  expect(doc.getText("draft").toJSON()).toBe("not stored yet");
});
