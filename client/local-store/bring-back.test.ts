import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, expect, test } from "vitest";
import * as Y from "yjs";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationId, MessageId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { installMortalIndexedDb } from "#tests/support/mortal-indexeddb.ts";
import type { Life } from "#tests/support/mortal-indexeddb.ts";
import { createSeededRandom } from "#tests/support/seeded-random.ts";
import { createSimulatedBrowser, until } from "#tests/support/simulated-device.ts";
import { createSimulatedServer } from "#tests/support/simulated-room.ts";
import { localStoreName, openLocalStore } from "./open-local-store.ts";
import type { QuarantinedRecord } from "./local-store.ts";

const random = createSeededRandom(11);
const newId = (): string => createUuidV7(Date.UTC(2026, 0, 1), random.bytes);

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

/** A bit flips in memory, in the words of whoever wrote them: no clock says so. */
function rot(doc: Y.Doc): void {
  for (const struct of [...doc.store.clients.values()].flat())
    if (struct instanceof Y.Item && struct.content instanceof Y.ContentString)
      struct.content.str = struct.content.str.replace("ll", "#l");
}

async function setAside(): Promise<QuarantinedRecord[]> {
  const store = openLocalStore(localStoreName("ann", "personal"));
  const records = await store.quarantined();
  store.close();
  return records.ok ? records.value : [];
}

function wordsOf(doc: Y.Doc): { draft: string; prompts: string[] } {
  const conversation = openConversation(doc, "reader");
  const prompts = [...conversation.messages()].map(({ text }) => text).toSorted();
  return { draft: conversation.draft.toString(), prompts };
}

/** When the tab that found its copy wrong dies: at the transaction of this number, before it began or after it ended. */
interface Death {
  transaction: number;
  when: "before" | "after";
}

/** Who is there beside the tab that dies, and who comes after it. */
interface Scene {
  name: string;
  beside: boolean;
  after: number;
  opened: boolean;
}

/** Plays a divergence in which the first tab dies; answers whether it did, and what the server has in the end. */
async function divergeAndDie(death: Death, scene: Scene) {
  globalThis.indexedDB = new IDBFactory();
  const server = createSimulatedServer(() => Date.now());
  const browser = createSimulatedBrowser(server, "ann");
  const other = scene.beside ? browser.openTab() : undefined;
  const life: Life = { ended: false };
  let transactions: number | undefined;
  const restore = installMortalIndexedDb(life, (when) => {
    if (transactions === undefined) return;
    if (when === "before") transactions += 1;
    if (when === death.when && transactions >= death.transaction) life.ended = true;
  });
  const first = browser.openTab(life);
  restore();
  const id = newId() as ConversationId;
  const open = first.documents.open(id);
  open.conversation.addPrompt({ id: newId() as MessageId, parentId: undefined, text: "hello", createdAt: 1 });
  open.conversation.setDraft("well then");
  const settled = (tab: typeof first): boolean => tab.sync.status().type === "saved";
  await until(() => settled(first) && (other === undefined || settled(other)), browser.clock);

  rot(open.conversation.doc);
  transactions = 0;
  server.setUp(false);
  server.setUp(true);
  browser.wake();
  const isBack = (): boolean => server.durable(id).getText("draft").toString().includes("#");
  await until(() => life.ended || (isBack() && settled(first)), browser.clock);
  const died = life.ended;
  life.ended = true;

  const kept = await setAside();
  const restarted = other ? browser : createSimulatedBrowser(server, "ann");
  const tabs = [...(other ? [other] : []), ...Array.from({ length: scene.after }, () => restarted.openTab())];
  // Where nobody opens the document, that a copy was set aside must be found without.
  if (scene.opened) for (const tab of tabs) tab.documents.open(id);
  if (kept.length > 0) await until(() => isBack() && tabs.every(settled), restarted.clock);
  await Promise.all(tabs.map((tab) => tab.close()));
  return {
    died,
    kept: kept.length,
    left: (await setAside()).filter(({ waits }) => waits).length,
    words: wordsOf(server.durable(id)),
  };
}

const SCENES: readonly Scene[] = [
  { name: "alone", beside: false, after: 1, opened: false },
  { name: "beside another", beside: true, after: 0, opened: false },
  { name: "before two open it at once", beside: false, after: 2, opened: true },
];

test.each(SCENES)(
  "C9: a tab $name that dies at any moment of setting a copy aside and bringing its words back loses and doubles none",
  { timeout: 120_000 },
  async (scene) => {
    const outcomes = new Set<number>();
    for (const when of ["before", "after"] as const)
      for (let transaction = 1; ; transaction++) {
        const { died, kept, left, words } = await divergeAndDie({ transaction, when }, scene);
        const here = `${when} transaction ${transaction}`;
        outcomes.add(kept);
        expect(left, here).toBe(0);
        // What rotted in memory and was never set aside died with the tab; the server has what was written.
        const both = { draft: "well then\n\nwe#l then", prompts: ["he#lo", "hello"] };
        expect(words, here).toEqual(kept === 0 ? { draft: "well then", prompts: ["hello"] } : both);
        if (!died) break;
      }
    // It died early enough to lose the rot, and late enough to leave it to others.
    expect(outcomes).toEqual(new Set([0, 1]));
  },
);
