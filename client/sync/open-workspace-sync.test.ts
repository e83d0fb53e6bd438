import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, expect, test } from "vitest";
import type * as Y from "yjs";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import { canonicalContent } from "#shared/documents/canonical-content.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { createSeededRandom } from "#tests/support/seeded-random.ts";
import { createSimulatedBrowser, until } from "#tests/support/simulated-device.ts";
import { createSimulatedServer } from "#tests/support/simulated-room.ts";

const random = createSeededRandom(7);
const newId = (): string => createUuidV7(Date.UTC(2026, 0, 1), random.bytes);
const aConversation = (): ConversationId => newId() as ConversationId;
const aPrompt = (text: string) => ({ id: newId() as MessageId, parentId: undefined, text, createdAt: 1 });
const aCommand = (id: ConversationId, runId: string) => ({
  runId,
  conversationId: id,
  parentMessageId: newId(),
  messageId: newId(),
  model: "m",
  parameters: {},
  createdAt: 1,
});

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

const aServer = () => createSimulatedServer(() => Date.now());

test("C1, C10: an edit is saved only when the server has acknowledged it", async () => {
  const server = aServer();
  const browser = createSimulatedBrowser(server, "ann");
  const tab = browser.openTab();
  const open = tab.documents.open(aConversation());
  await until(() => tab.sync.status().type === "saved", browser.clock);

  server.holdCommits(true);
  open.conversation.rename("Plans");
  expect(tab.sync.status()).toEqual({ type: "saving" });
  browser.clock.advance(1_000);
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(tab.sync.status()).toEqual({ type: "saving" });

  server.holdCommits(false);
  await until(() => tab.sync.status().type === "saved", browser.clock);
  expect(server.durable(open.id).getMap("meta").get("title")).toBe("Plans");
  await tab.close();
});

test("P4: a snapshot that did not fit on this device is not saved, whatever else is stored meanwhile", async () => {
  const server = aServer();
  const browser = createSimulatedBrowser(server, "ann");
  const tab = browser.openTab();
  const open = tab.documents.open(aConversation());
  await until(() => tab.sync.status().type === "saved", browser.clock);
  const failing = { type: "cannot-save", reason: "full", onlyHere: 1, unsent: 1 };
  let tries = 0;
  const storeAgain = async (): Promise<void> => void tries++;
  tab.sync.outboxChanged({ waiting: 1, refused: 0, isFull: true, storeAgain });
  open.conversation.rename("Small");
  await until(() => server.durable(open.id).getMap("meta").get("title") === "Small", browser.clock);
  expect(tab.sync.status()).toEqual(failing);
  // Another tab stored something of its own.
  tab.sync.outboxChanged();
  expect(tab.sync.status()).toEqual(failing);
  // "Try again" is of it too.
  await tab.sync.retryStoring();
  expect(tries).toBe(1);
  tab.sync.outboxChanged({ waiting: 1, refused: 0, isFull: false, storeAgain });
  expect(tab.sync.status()).toEqual({ type: "saving" });
  server.setUp(false);
  await until(() => JSON.stringify(tab.sync.status()) === '{"type":"offline","changes":1}', browser.clock);
  tab.sync.outboxChanged({ waiting: 0, refused: 0, isFull: false, storeAgain });
  await until(() => JSON.stringify(tab.sync.status()) === '{"type":"offline","changes":0}', browser.clock);
  await tab.close();
});

test("C1: what was written offline is there after a reload without a server, and is delivered later", async () => {
  const server = aServer();
  server.setUp(false);
  const id = aConversation();
  const first = createSimulatedBrowser(server, "ann");
  const before = first.openTab();
  const open = before.documents.open(id);
  open.conversation.addPrompt(aPrompt("hello"));
  open.conversation.setDraft("half a thou");
  await until(() => before.sync.status().type === "offline", first.clock);
  await until(() => JSON.stringify(before.sync.status()) === '{"type":"offline","changes":1}', first.clock);
  await before.close();

  const second = createSimulatedBrowser(server, "ann");
  const after = second.openTab();
  await until(() => after.library.loaded(), second.clock);
  expect(after.library.entries().map((entry) => entry.summary.excerpt)).toEqual(["hello"]);
  const again = after.documents.open(id);
  await until(() => again.status().type === "ready", second.clock);
  expect(again.conversation.branch()[0]?.text).toBe("hello");
  expect(again.conversation.draft.toJSON()).toBe("half a thou");
  again.release();

  server.setUp(true);
  second.wake();
  await until(() => after.sync.status().type === "saved", second.clock);
  expect(canonicalContent(server.durable(id))).toBe(canonicalContent(again.conversation.doc));
  await after.close();
});

test("C1: at start every stored document with edits is sent, a few at a time, though nobody opens it", async () => {
  const server = aServer();
  server.setUp(false);
  const ids = Array.from({ length: 9 }, aConversation);
  const first = createSimulatedBrowser(server, "ann");
  const before = first.openTab();
  for (const id of ids) before.documents.open(id).conversation.rename(`about ${id}`);
  first.hide();
  await before.close();

  server.setUp(true);
  server.holdCommits(true);
  const second = createSimulatedBrowser(server, "ann");
  const after = second.openTab();
  await until(() => server.sockets() === 4);
  server.holdCommits(false);
  await until(() => after.sync.status().type === "saved", second.clock);
  for (const id of ids) expect(server.durable(id).getMap("meta").get("title")).toBe(`about ${id}`);
  expect(server.mostSockets()).toBe(4);
  await until(() => server.sockets() === 0, second.clock);
  await after.close();
});

test("two devices converge, and the second shows the whole library from the feed", async () => {
  const server = aServer();
  const id = aConversation();
  const one = createSimulatedBrowser(server, "ann");
  const tabOne = one.openTab();
  const onOne = tabOne.documents.open(id);
  onOne.conversation.addPrompt(aPrompt("from the first device"));
  onOne.conversation.rename("Shared");
  await until(() => tabOne.sync.status().type === "saved", one.clock);

  // The second device has a database of its own: another account name stands for it.
  const two = createSimulatedBrowser(server, "ann-on-a-phone");
  const tabTwo = two.openTab();
  await until(() => tabTwo.library.entries().length === 1, two.clock);
  expect(tabTwo.library.entries()[0]?.summary.title).toBe("Shared");
  const onTwo = tabTwo.documents.open(id);
  await until(() => onTwo.conversation.branch().length === 1, two.clock);
  onTwo.conversation.setDraft("answer from two");
  await until(() => onOne.conversation.draft.toJSON() === "answer from two", two.clock);
  expect(canonicalContent(onTwo.conversation.doc)).toBe(canonicalContent(onOne.conversation.doc));
  await tabOne.close();
  await tabTwo.close();
});

test("C4: a connection that is lost before the ack settles nothing; the edit goes out again", async () => {
  const server = aServer();
  const browser = createSimulatedBrowser(server, "ann");
  const tab = browser.openTab();
  const open = tab.documents.open(aConversation());
  await until(() => tab.sync.status().type === "saved", browser.clock);
  server.tamper((frame) => (frame.type === "ack" ? undefined : frame));
  open.conversation.rename("Kept");
  await until(() => server.durable(open.id).getMap("meta").has("title"), browser.clock);
  expect(tab.sync.status().type).toBe("saving");
  server.setUp(false);
  server.tamper(undefined);
  await until(() => tab.sync.status().type === "offline", browser.clock);
  server.setUp(true);
  await until(() => tab.sync.status().type === "saved", browser.clock);
  await tab.close();
});

test("a quiet connection to the real room stays up for minutes (C8)", async () => {
  const server = aServer();
  const browser = createSimulatedBrowser(server, "ann");
  const tab = browser.openTab();
  tab.documents.open(aConversation());
  await until(() => server.sockets() === 1);
  for (let second = 0; second < 300; second++) {
    browser.clock.advance(1_000);
    expect(server.sockets()).toBe(1);
  }
  await tab.close();
});

test("C7: once anything reaches the server again, no connection goes on waiting out its back-off", async () => {
  const server = aServer();
  const browser = createSimulatedBrowser(server, "ann");
  const tab = browser.openTab();
  const opens = Array.from({ length: 4 }, () => tab.documents.open(aConversation()));
  await until(() => tab.sync.status().type === "saved", browser.clock);
  server.setUp(false);
  for (const open of opens) open.conversation.rename("Plans");
  const turns = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 250) {
      browser.clock.advance(250);
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await turns(180_000);
  server.setUp(true);
  // The feed is asked every 10 s; the sockets alone would wait for up to 30.
  await turns(11_000);
  expect(tab.sync.status()).toEqual({ type: "saved" });
  await tab.close();
});

test("C5, P4: an edit the server refuses is kept here and counted, also after its chat was closed, until it is taken", async () => {
  const server = aServer();
  const browser = createSimulatedBrowser(server, "ann");
  const tab = browser.openTab();
  const open = tab.documents.open(aConversation());
  await until(() => tab.sync.status().type === "saved", browser.clock);
  server.tamper((frame) => (frame.type === "ack" ? { type: "nack", frame: frame.frames, code: "quota" } : frame));
  open.conversation.rename("Too much");
  await until(() => tab.sync.status().type === "refused", browser.clock);
  expect(tab.sync.status()).toEqual({ type: "refused", documents: 1, unreadable: 0 });
  open.release();
  await until(() => server.sockets() === 0, browser.clock);
  browser.clock.advance(60_000);
  expect(tab.sync.status().type).toBe("refused");

  server.tamper(undefined);
  browser.wake();
  await until(() => tab.sync.status().type === "saved", browser.clock);
  expect(server.durable(open.id).getMap("meta").get("title")).toBe("Too much");
  await tab.close();
});

test("C7, P4: what an earlier page left is called refused, though its chat is not open and closes when it ends", async () => {
  const server = aServer();
  const browser = createSimulatedBrowser(server, "ann");
  server.setUp(false);
  const before = browser.openTab();
  const open = before.documents.open(aConversation());
  open.conversation.rename("Left behind");
  await until(() => before.sync.status().type === "offline", browser.clock);
  await before.close();
  server.setUp(true);
  server.endWith(CloseCode.invalid);
  const after = browser.openTab();
  await until(() => after.sync.status().type === "refused", browser.clock);
  expect(after.sync.status()).toEqual({ type: "refused", documents: 1, unreadable: 0 });
  server.endWith(undefined);
  after.documents.open(open.id);
  await until(() => after.sync.status().type === "saved", browser.clock);
  expect(server.durable(open.id).getMap("meta").get("title")).toBe("Left behind");
  await after.close();
});

test("C7: a chat that ended for the lack of a session comes back once the session works, and says so meanwhile", async () => {
  const server = aServer();
  const browser = createSimulatedBrowser(server, "ann");
  server.endWith(CloseCode.unauthenticated);
  const tab = browser.openTab();
  const open = tab.documents.open(aConversation());
  open.conversation.rename("Signed out");
  await until(() => tab.sync.status().type === "refused", browser.clock);
  server.endWith(undefined);
  await until(() => tab.sync.status().type === "saved", browser.clock);
  expect(server.durable(open.id).getMap("meta").get("title")).toBe("Signed out");
  await tab.close();
});

test("C7: a chat that is gone is not asked for again on waking, and what was written in it is not called saved", async () => {
  const server = aServer();
  const browser = createSimulatedBrowser(server, "ann");
  server.endWith(CloseCode.gone);
  const tab = browser.openTab();
  const open = tab.documents.open(aConversation());
  open.conversation.rename("Into the void");
  await until(() => tab.sync.status().type === "refused", browser.clock);
  // It can be read, and copied.
  expect(open.status().type).toBe("ready");
  const nothingOfOurs = tab.documents.open(aConversation());
  await until(() => nothingOfOurs.status().type === "gone", browser.clock);
  nothingOfOurs.release();
  open.release();
  server.endWith(undefined);
  for (let waking = 0; waking < 5; waking++) {
    browser.clock.advance(20_000);
    browser.wake();
    for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(server.mostSockets()).toBe(0);
  expect(tab.sync.status()).toEqual({ type: "refused", documents: 1, unreadable: 0 });
  await tab.close();
});

test("an edit in one tab shows in the other, where it is not pending", async () => {
  const server = aServer();
  server.setUp(false);
  const browser = createSimulatedBrowser(server, "ann");
  const [left, right] = [browser.openTab(), browser.openTab()];
  const id = aConversation();
  const [onLeft, onRight] = [left.documents.open(id), right.documents.open(id)];
  await until(() => onRight.status().type === "ready" && onLeft.status().type === "ready", browser.clock);
  onLeft.conversation.rename("From the left");
  await until(() => onRight.conversation.summary().title === "From the left", browser.clock);
  expect(right.library.entries()[0]?.summary.title).toBe("From the left");

  server.setUp(true);
  browser.wake();
  await until(() => left.sync.status().type === "saved" && right.sync.status().type === "saved", browser.clock);
  expect(server.durable(id).getMap("meta").get("title")).toBe("From the left");
  await left.close();
  await right.close();
});

test("a tab's ack does not clear what another tab wrote and has not sent; a dead tab's rows are taken over", async () => {
  const server = aServer();
  const browser = createSimulatedBrowser(server, "ann");
  const survivor = browser.openTab();
  const id = aConversation();
  const open = survivor.documents.open(id);
  await until(() => survivor.sync.status().type === "saved", browser.clock);

  server.setUp(false);
  const dying = browser.openTab();
  const other = dying.documents.open(id);
  await until(() => other.status().type === "ready", browser.clock);
  other.conversation.setDraft("written by the dying tab");
  await until(() => open.conversation.draft.toJSON() !== "", browser.clock);
  await dying.close();
  expect(survivor.sync.status()).not.toEqual({ type: "saved" });

  server.setUp(true);
  browser.wake();
  await until(() => survivor.sync.status().type === "saved", browser.clock);
  expect(server.durable(id).getText("draft").toJSON()).toBe("written by the dying tab");
  await survivor.close();
});

test("an edit and its command are stored together and survive a reload; a removed one does not come back", async () => {
  const server = aServer();
  server.setUp(false);
  const id = aConversation();
  const browser = createSimulatedBrowser(server, "ann");
  const tab = browser.openTab();
  const open = tab.documents.open(id);
  const added: string[] = [];
  tab.commands.onAdded((command) => added.push(command.runId));
  const [runOne, runTwo] = [newId(), newId()];
  open.editWithCommand((conversation) => conversation.addPrompt(aPrompt("one")), aCommand(id, runOne));
  open.editWithCommand((conversation) => conversation.addPrompt(aPrompt("two")), aCommand(id, runTwo));
  await until(() => added.length === 2);
  await tab.commands.remove(runOne);
  await tab.close();

  const after = createSimulatedBrowser(server, "ann").openTab();
  expect((await after.commands.list()).map((command) => command.runId)).toEqual([runTwo]);
  const again = after.documents.open(id);
  await until(() => again.conversation.summary().messageCount === 2);
  await after.close();
});

test("the library hides conversations that hold nothing and shows a rename at once", async () => {
  const server = aServer();
  const browser = createSimulatedBrowser(server, "ann");
  const tab = browser.openTab();
  const open = tab.documents.open(aConversation());
  open.conversation.setPinned(true);
  expect(tab.library.entries()).toEqual([]);
  open.conversation.rename("Now");
  expect(tab.library.entries().map((entry) => entry.summary.title)).toEqual(["Now"]);
  await until(() => tab.sync.status().type === "saved", browser.clock);
  await tab.close();
});

test("a document written by a newer app is read-only", async () => {
  const server = aServer();
  const browser = createSimulatedBrowser(server, "ann");
  const tab = browser.openTab();
  const open = tab.documents.open(aConversation());
  open.conversation.doc.getMap("meta").set("schema", 99);
  expect(open.status()).toEqual({ type: "read-only" });
  open.editWithCommand((conversation) => conversation.rename("no"), aCommand(open.id, newId()));
  expect(open.conversation.summary().title).toBe("");
  await tab.close();
});

test("C9: a copy that differs under the same clocks is kept aside and replaced, and its words come back as new edits", async () => {
  const server = aServer();
  const browser = createSimulatedBrowser(server, "ann");
  const tab = browser.openTab();
  const id = aConversation();
  const open = tab.documents.open(id);
  open.conversation.addPrompt(aPrompt("hello"));
  open.conversation.setDraft("half a thought");
  await until(() => tab.sync.status().type === "saved", browser.clock);

  // A bit flips in memory: no clock says so.
  const { doc } = open.conversation;
  const written = (doc.store.clients.get(doc.clientID) ?? []).find(
    (struct) => (struct as Y.Item).parent === doc.getText("draft"),
  );
  ((written as Y.Item).content as Y.ContentString).str = "half a thou#ht";
  // The other copy is the server's word for it: with the next connection it shows its digest.
  server.setUp(false);
  server.setUp(true);
  browser.wake();
  await until(() => open.status().type === "replaced", browser.clock);
  const mended = tab.documents.open(id);
  await until(
    () => mended.conversation.draft.toString().includes("#") && tab.sync.status().type === "saved",
    browser.clock,
  );

  expect(mended.conversation.draft.toString()).toBe("half a thought\n\nhalf a thou#ht");
  expect(mended.conversation.doc.clientID).not.toBe(doc.clientID);
  expect(canonicalContent(server.durable(id))).toBe(canonicalContent(mended.conversation.doc));
  expect(tab.sync.divergences()).toBe(1);
  open.release();
  await tab.close();

  server.setUp(false);
  const reloaded = createSimulatedBrowser(server, "ann").openTab();
  const here = reloaded.documents.open(id);
  await until(() => here.status().type === "ready");
  expect(canonicalContent(here.conversation.doc)).toBe(canonicalContent(server.durable(id)));
  await reloaded.close();
});
