import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, expect, test, vi } from "vitest";
import { localStoreName, openLocalStore } from "#client/local-store/open-local-store.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { installFailingIndexedDb } from "#tests/support/failing-indexeddb.ts";
import { createSeededRandom } from "#tests/support/seeded-random.ts";
import { aSummary } from "#tests/support/a-summary.ts";
import { createSimulatedBrowser, until } from "#tests/support/simulated-device.ts";
import { aTaken, frozenContent, openSnapshotTab } from "#tests/support/snapshot-scenario.ts";
import { createSimulatedServer } from "#tests/support/simulated-room.ts";
import { setAsideFile } from "./device-copy.ts";
import { exportEverything } from "./export-everything.ts";
import { createFileBuilder, datedFileName } from "./file-builder.ts";

const WORDS = { you: "You", answer: "Answer", untitled: "Untitled", systemPrompt: "System prompt", draft: "Draft" };
const NO_SNAPSHOTS = { entries: () => [], contents: async () => undefined };
const NOW = Date.UTC(2026, 10, 28, 12);
const random = createSeededRandom(5);
const newId = (): ConversationId => createUuidV7(NOW, random.bytes) as ConversationId;

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

function aTab({ up = true } = {}) {
  const server = createSimulatedServer(() => NOW);
  server.setUp(up);
  const browser = createSimulatedBrowser(server, "ann");
  return { server, browser, tab: browser.openTab() };
}

const parsed = async (file: Blob) => JSON.parse(await file.text()) as { conversations: { id: string }[] };

test("an export holds what is open, what is stored and what only the library knows of, but nothing deleted", async () => {
  const { browser, tab } = aTab();
  const ids = { open: newId(), stored: newId(), deleted: newId(), empty: newId(), remote: newId() };
  for (const name of ["open", "stored", "deleted"] as const)
    tab.documents.open(ids[name]).conversation.rename(`${name} chat`);
  tab.documents.open(ids.deleted).conversation.setDeleted(true);
  await until(() => tab.sync.status().type === "saved", browser.clock);
  await tab.close();

  const again = browser.openTab();
  again.documents.open(ids.empty);
  const open = again.documents.open(ids.open);
  await until(() => open.status().type === "ready", browser.clock);
  open.conversation.draft.insert(0, "being typed");
  again.library.summaryChanged(ids.remote, {
    summary: aSummary("elsewhere"),
    changedAt: NOW,
    headSeq: 9,
  });
  const made = await exportEverything({ ...again, snapshots: NO_SNAPSHOTS }, WORDS, NOW);
  const file = await parsed(made.file);
  expect(made).toMatchObject({ chats: 2, missing: 1 });
  expect(file).toMatchObject({
    format: "holdfast.export",
    version: 1,
    exportedAt: "2026-11-28T12:00:00.000Z",
    notOnThisDevice: [{ id: ids.remote, title: "elsewhere" }],
  });
  const byId = new Map(file.conversations.map((one) => [one.id, one]));
  expect(byId.get(ids.open)).toMatchObject({ title: "open chat", draft: "being typed" });
  expect(byId.get(ids.stored)).toMatchObject({ title: "stored chat", markdown: "# stored chat\n", onServer: true });
  await again.close();
});

test("a deleted chat is in the export where it holds edits that may be nowhere else", async () => {
  const { server, browser, tab } = aTab();
  const ids = { unsent: newId(), changed: newId(), deleted: newId() };
  for (const [name, id] of Object.entries(ids)) {
    const { conversation } = tab.documents.open(id);
    conversation.rename(`${name} chat`);
    conversation.setDeleted(true);
  }
  await until(() => tab.sync.status().type === "saved", browser.clock);
  tab.library.changedAfterDeletion(ids.changed);
  server.setUp(false);
  tab.documents.open(ids.unsent).conversation.draft.insert(0, "nowhere else");
  const { conversations } = await parsed(
    (await exportEverything({ ...tab, snapshots: NO_SNAPSHOTS }, WORDS, NOW)).file,
  );
  expect(conversations.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toMatchObject([
    { id: ids.unsent, draft: "nowhere else", onServer: false },
    { id: ids.changed, onServer: true },
  ]);
  await tab.close();
});

test("A4: with a store that takes nothing and no network the words in memory are in the export", async () => {
  const device = installFailingIndexedDb();
  const { browser, tab } = aTab({ up: false });
  device.failWrites(() => true);
  const id = newId();
  tab.documents.open(id).conversation.draft.insert(0, "nowhere else");
  await until(() => tab.sync.status().type === "cannot-save", browser.clock);
  const made = await exportEverything({ ...tab, snapshots: NO_SNAPSHOTS }, WORDS, NOW);
  expect(await parsed(made.file)).toMatchObject({
    conversations: [
      { id, draft: "nowhere else", markdown: "# nowhere else\n\n## Draft\n\nnowhere else\n", onServer: false },
    ],
  });
  device.heal();
  await tab.close();
});

test("without IndexedDB an export holds what is in memory", async () => {
  Reflect.deleteProperty(globalThis, "indexedDB");
  const { browser, tab } = aTab();
  const open = tab.documents.open(newId());
  open.conversation.draft.insert(0, "private");
  await until(() => open.status().type === "ready", browser.clock);
  const made = await exportEverything({ ...tab, snapshots: NO_SNAPSHOTS }, WORDS, NOW);
  expect((await parsed(made.file)).conversations).toMatchObject([{ draft: "private" }]);
  await tab.close();
});

test("a file of many pieces is what its pieces are, and is named by the day", async () => {
  const builder = createFileBuilder("application/json");
  const piece = "tide ".repeat(50_000);
  for (let at = 0; at < 20; at++) builder.add(piece);
  expect(await builder.file().text()).toBe(piece.repeat(20));
  expect(datedFileName("holdfast", new Date(2026, 0, 5, 1).getTime())).toBe("holdfast-2026-01-05.json");
});

test("what was set aside is exported byte by byte, whatever shape it has", async () => {
  const loop: Record<string, unknown> = {};
  loop["self"] = loop;
  const file = setAsideFile([
    { documentId: "a", reason: "corrupt", content: new Uint8Array([1, 2, 255]), store: "updates" },
    { documentId: "", reason: "corrupt", content: { bytes: new Uint8Array([7]), big: 1n }, store: "outbox" },
    { documentId: "", reason: "corrupt", content: loop },
    { documentId: "", reason: "corrupt", content: undefined },
  ]);
  expect(JSON.parse(await file.text())).toEqual({
    format: "holdfast.set-aside",
    version: 1,
    records: [
      { documentId: "a", reason: "corrupt", store: "updates", base64: "AQL/" },
      { documentId: "", reason: "corrupt", store: "outbox", value: { bytes: { base64: "Bw==" }, big: "1" } },
      { documentId: "", reason: "corrupt", value: "[object Object]" },
      { documentId: "", reason: "corrupt", value: null },
    ],
  });
});

test("what was set aside can be removed, but not copies whose words are still to come back", async () => {
  const store = openLocalStore(localStoreName("ann", "personal"));
  await store.setAside(newId(), new Uint8Array([1]));
  const before = await store.quarantined();
  await store.removeQuarantined(before.ok ? before.value.map(({ key }) => key) : []);
  expect(await store.quarantined()).toMatchObject({ ok: true, value: [{ waits: true }] });
  store.close();
});

test("an export holds snapshots whole, those that the server never had among them", async () => {
  const tab = openSnapshotTab({ online: false });
  const chat = newId();
  const id = await tab.snapshots.take(aTaken(chat, 3, { title: "Frozen", tags: ["kept"] }));
  const { store, snapshots } = tab;
  const documents = { opened: () => new Set<never>(), find: () => undefined };
  const made = await exportEverything({ store, documents, library: { entries: () => [] }, snapshots }, WORDS, NOW);
  const file = JSON.parse(await made.file.text()) as { snapshots: unknown[] };
  expect(file.snapshots).toMatchObject([
    {
      id,
      conversationId: chat,
      number: 1,
      title: "Frozen",
      tags: ["kept"],
      onServer: false,
      ...frozenContent(chat, 3),
    },
  ]);
  tab.close();
});

test("an export reads the messages that snapshots of a chat share once, however many snapshots share them", async () => {
  const chats = [newId(), newId()];
  const taking = openSnapshotTab({ online: false });
  for (const at of [0, 1, 2, 3, 4, 5])
    await taking.snapshots.take(aTaken(chats[at % 2] ?? newId(), 3 + at, { title: `Frozen ${at}` }));
  taking.close();
  const tab = openSnapshotTab({ online: false });
  await expect.poll(() => tab.snapshots.loaded()).toBe(true);
  const reads = vi.spyOn(IDBObjectStore.prototype, "getAll");
  const { store, snapshots } = tab;
  const documents = { opened: () => new Set<never>(), find: () => undefined };
  const made = await exportEverything({ store, documents, library: { entries: () => [] }, snapshots }, WORDS, NOW);
  const frozen = reads.mock.contexts.filter(
    (one: unknown) => one instanceof IDBObjectStore && one.name === "frozenMessages",
  );
  reads.mockRestore();
  tab.close();
  expect(frozen).toHaveLength(chats.length);
  const file = JSON.parse(await made.file.text()) as { snapshots: { title: string; messages: unknown[] }[] };
  // Those of a chat stand together, the newest first.
  expect(file.snapshots.map(({ title, messages }) => [title, messages.length])).toEqual(
    [5, 3, 1, 4, 2, 0].map((at) => [`Frozen ${at}`, 3 + at]),
  );
  expect(file.snapshots[0]).toMatchObject(frozenContent(chats[1] ?? "", 8));
});
