import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, expect, test } from "vitest";
import * as Y from "yjs";
import type { ConversationId } from "#shared/domain/ids.ts";
import { createFakeClock } from "#tests/support/fake-clock.ts";
import { createSeededRandom } from "#tests/support/seeded-random.ts";
import { until } from "#tests/support/simulated-device.ts";
import { bringBack } from "./bring-back.ts";
import { FROM_SERVER } from "./local-document.ts";
import type { LocalDocument } from "./local-document.ts";
import type { LocalStore } from "./local-store.ts";
import { openDocuments } from "./open-documents.ts";
import type { LocalDocuments } from "./open-documents.ts";
import { openLocalStore } from "./open-local-store.ts";
import { openRunCommands } from "./open-run-commands.ts";

const ID = "conversation" as ConversationId;
const clock = createFakeClock();
const random = createSeededRandom(5);
let store: LocalStore;
/** whether the code that brings words back can be fetched */
let codeIsHere: boolean;

beforeEach(() => {
  codeIsHere = true;
  globalThis.indexedDB = new IDBFactory();
  store = openLocalStore("device");
});

/** The documents of one more tab. No server is there: the test says what it has, and when it comes. */
const openTab = (): LocalDocuments =>
  openDocuments(
    { clock, randomBytes: random.bytes, visibility: { visible: () => true, onHide: () => () => undefined } },
    store,
    { post: () => undefined, onMessage: () => () => undefined },
    openRunCommands(store),
    {
      epochOf: () => 0,
      isForgotten: () => false,
      summaryChanged: () => undefined,
      received: () => undefined,
      changedAfterDeletion: () => undefined,
      loadBringBack: () => (codeIsHere ? Promise.resolve(bringBack) : Promise.reject(new Error("not here"))),
    },
  );

/** Two copies under the same clocks: what the server has, and what this device stored of it. */
async function diverge(): Promise<{ right: Uint8Array; wrong: Uint8Array }> {
  const [right, wrong] = ["hello", "he#lo"].map((text) => {
    const doc = new Y.Doc();
    doc.clientID = 1;
    doc.getMap("meta").set("schema", 1);
    doc.getText("draft").insert(0, text);
    return Y.encodeStateAsUpdate(doc);
  });
  if (!right || !wrong) throw new Error("there are two");
  await store.write({
    id: ID,
    epoch: 0,
    local: undefined,
    remote: undefined,
    state: { bytes: wrong, pending: false },
    commands: [],
    summary: undefined,
    strict: false,
  });
  return { right, wrong };
}

async function openIn(tab: LocalDocuments): Promise<LocalDocument> {
  const { document } = tab.hold(ID);
  await document.loaded;
  return document;
}

const draftOf = (document: LocalDocument): string => document.conversation.draft.toString();

async function settle(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** how many copies set aside wait for their words to come back */
async function waiting(): Promise<number> {
  const loaded = await store.load(ID);
  return loaded.ok ? loaded.value.setAside.length : -1;
}

/** What happens once the copy is set aside in the store, and before the tab that asked for it hears so. */
function beforeHealAnswers(act: () => unknown): void {
  const { heal } = store;
  store.heal = async (...args) => {
    store.heal = heal;
    const healed = await heal(...args);
    await act();
    return healed;
  };
}

/** The copy that is open now, once the server's copy came to it. */
async function arrive(tab: LocalDocuments): Promise<LocalDocument> {
  const document = tab.find(ID);
  if (!document) throw new Error("it is not open");
  await document.loaded;
  document.arrived();
  await settle();
  return document;
}

test("C9: a wrong copy that lives on, since somebody typed while it was set aside, does not end its own words", async () => {
  const { right } = await diverge();
  const tab = openTab();
  const wrong = await openIn(tab);
  wrong.arrived();
  beforeHealAnswers(() => wrong.conversation.draft.insert(5, "!"));
  await tab.replace(wrong, right);
  expect(tab.find(ID)).toBe(wrong);
  expect(await waiting()).toBe(1);

  tab.bringBack(wrong);
  await settle();
  expect(await waiting()).toBe(1);
  expect(draftOf(wrong)).toBe("he#lo!");

  // The server took the edit, its next digest differs, and all it has replaces the copy.
  const theirs = new Y.Doc();
  Y.applyUpdate(theirs, right);
  Y.applyUpdate(theirs, Y.encodeStateAsUpdate(wrong.doc, Y.encodeStateVector(theirs)));
  await wrong.flush();
  wrong.acknowledged(1, 2);
  await settle();
  await tab.replace(wrong, Y.encodeStateAsUpdate(theirs));
  const mended = await arrive(tab);
  expect(mended).not.toBe(wrong);
  expect(draftOf(mended)).toBe("hello!\n\nhe#lo\n\nhe#lo!");
  expect(await waiting()).toBe(0);
  await tab.close();
});

test("C9: words wait on this device while the code that brings them back cannot be fetched", async () => {
  const { right } = await diverge();
  const tab = openTab();
  const wrong = await openIn(tab);
  wrong.arrived();
  codeIsHere = false;
  await tab.replace(wrong, right);
  const mended = await arrive(tab);
  expect(await waiting()).toBe(1);
  expect(draftOf(mended)).toBe("hello");

  codeIsHere = true;
  tab.bringBack(mended);
  await settle();
  expect(await waiting()).toBe(0);
  expect(draftOf(mended)).toBe("hello\n\nhe#lo");
  await tab.close();
});

test("C9: a tab whose own copy is as wrong leaves the words of another tab's copy until its own is mended", async () => {
  const { right } = await diverge();
  const [first, second] = [openTab(), openTab()];
  const [one, other] = [await openIn(first), await openIn(second)];
  other.arrived();
  // The connection drops before the new copy of the first tab arrived.
  await first.replace(one, right);
  second.bringBack(other);
  await settle();
  expect(await waiting()).toBe(1);
  expect(draftOf(other)).toBe("he#lo");

  await second.replace(other, right);
  const mended = await arrive(second);
  expect(draftOf(mended)).toBe("hello\n\nhe#lo");
  expect(await waiting()).toBe(0);
  await Promise.all([first.close(), second.close()]);
});

test("C9: a copy whose words another tab brought back already is closed, and nothing keeps the new one open", async () => {
  const { right } = await diverge();
  const tab = openTab();
  const { document: wrong, release } = tab.hold(ID);
  await wrong.loaded;
  beforeHealAnswers(async () => {
    const loaded = await store.load(ID);
    const keys = loaded.ok ? loaded.value.setAside.map(({ key }) => key) : [];
    const nothing = { local: undefined, remote: undefined, state: undefined, summary: undefined };
    await store.bringBack(keys, { id: ID, epoch: 0, ...nothing, commands: [], strict: false });
  });
  await tab.replace(wrong, right);
  expect(tab.find(ID)).not.toBe(wrong);
  release();
  await settle();
  expect(tab.find(ID)).toBeUndefined();
  await tab.close();
});

/** Replaces a copy by what the server had before an edit that it acknowledged meanwhile: the new one lacks that. */
async function replaceBehind(tab: LocalDocuments, right: Uint8Array): Promise<LocalDocument> {
  const wrong = await openIn(tab);
  wrong.conversation.draft.insert(5, "!");
  await wrong.flush();
  wrong.acknowledged(1, 2);
  await until(() => wrong.outbox().length === 0);
  await tab.replace(wrong, right);
  expect(wrong.status().type).toBe("replaced");
  return wrong;
}

test("C9: what is made in a replaced copy waits where it builds on what the server has and the new copy lacks", async () => {
  const { right } = await diverge();
  const tab = openTab();
  const wrong = await replaceBehind(tab, right);
  const acknowledged = Y.encodeStateAsUpdate(wrong.doc);
  wrong.conversation.draft.insert(6, "?");
  const mended = tab.find(ID);
  await mended?.loaded;
  await mended?.flush();
  expect([mended?.pending(), mended?.unstored(), mended?.outbox()]).toEqual([true, true, []]);
  expect(mended?.doc.store.pendingStructs).toBeNull();

  const edits: Uint8Array[] = [];
  mended?.onEdit((_token, update) => update && edits.push(update));
  if (mended) Y.applyUpdate(mended.doc, acknowledged, FROM_SERVER);
  const arrived = await arrive(tab);
  const theirs = new Y.Doc();
  for (const update of [right, acknowledged, ...edits]) Y.applyUpdate(theirs, update);
  expect(theirs.getText("draft").toString()).toBe(draftOf(arrived));
  expect(draftOf(arrived)).toMatch(/^hello!\?/u);
  await tab.close();
});

test("C9: what builds on what nobody has any more is kept with the copy it was made in, and its words come back", async () => {
  const { right } = await diverge();
  const tab = openTab();
  const wrong = await replaceBehind(tab, right);
  wrong.conversation.draft.insert(6, "?");
  const mended = await arrive(tab);
  tab.bringBack(mended);
  await settle();
  expect(await waiting()).toBe(0);
  expect(draftOf(mended)).toContain("he#lo!?");
  expect(mended.unstoredEdits()).toBe(false);
  expect(mended.doc.store.pendingStructs).toBeNull();
  await tab.close();
});

test("C9: what is made in a copy replaced twice goes on to the last one", async () => {
  const { right } = await diverge();
  const tab = openTab();
  const wrong = await openIn(tab);
  await tab.replace(wrong, right);
  const second = await openIn(tab);
  await tab.replace(second, right);
  wrong.conversation.draft.insert(5, "!");
  const last = await arrive(tab);
  expect(last).not.toBe(second);
  expect(draftOf(last)).toBe("hello!\n\nhe#lo");
  expect(last.outbox()).not.toEqual([]);
  await tab.close();
});

test("whoever watches documents hears of those that are open already, of those to come, and when each closes", async () => {
  const tab = openTab();
  const first = tab.hold(ID);
  const heard: string[] = [];
  tab.onOpened(({ id }, closing) => {
    heard.push(`opened ${id}`);
    closing.addEventListener("abort", () => heard.push(`closed ${id}`));
  });
  const second = tab.hold("other" as ConversationId);
  await Promise.all([first.document.loaded, second.document.loaded]);
  expect(heard).toEqual([`opened ${ID}`, "opened other"]);
  first.release();
  await until(() => heard.length > 2);
  expect(heard).toEqual([`opened ${ID}`, "opened other", `closed ${ID}`]);
});
