import "fake-indexeddb/auto";
import { IndexeddbPersistence } from "y-indexeddb";
import * as Y from "yjs";
import { afterAll, expect, test } from "vitest";
import type { ConversationId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { installFailingIndexedDb } from "#tests/support/failing-indexeddb.ts";
import type { FailingIndexedDb } from "#tests/support/failing-indexeddb.ts";
import { createSeededRandom } from "#tests/support/seeded-random.ts";
import { createSimulatedBrowser, until } from "#tests/support/simulated-device.ts";
import { createSimulatedServer } from "#tests/support/simulated-room.ts";
import { localStoreName, openLocalStore } from "./open-local-store.ts";

// The same words, typed with no server, into our store and into y-indexeddb, under the same faults; then a reload.

const WORDS = 12;
const random = createSeededRandom(31);
const newId = (): ConversationId => createUuidV7(Date.UTC(2026, 0, 1), random.bytes) as ConversationId;
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};
const countWords = (text: string): number => text.split(" ").filter(Boolean).length;

/** What a fault does to a device just before a word; answers the device as it is from then on. */
type Fault = (device: FailingIndexedDb, word: number) => FailingIndexedDb;

interface Outcome {
  /** words there after a reload */
  kept: number;
  /** whether anybody was told that not all is stored */
  told: boolean;
  /** whether it was said at the end that all is on this device */
  saidStored: boolean;
}

async function playOurs(fault: Fault): Promise<Outcome> {
  let device = installFailingIndexedDb();
  const server = createSimulatedServer(() => Date.now());
  server.setUp(false);
  const browser = createSimulatedBrowser(server, "ann");
  const tab = browser.openTab();
  const id = newId();
  const open = tab.documents.open(id);
  await until(() => open.status().type === "ready");
  let told = false;
  tab.sync.subscribe(() => (told ||= tab.sync.status().type === "cannot-save"));
  for (let word = 1; word <= WORDS; word++) {
    device = fault(device, word);
    open.conversation.draft.insert(open.conversation.draft.length, `word${word} `);
    await turns(20);
  }
  device.heal();
  await until(() => /"changes":[1-9]/u.test(JSON.stringify(tab.sync.status())), browser.clock);
  const saidStored = tab.sync.status().type === "offline";
  await tab.close();
  const store = openLocalStore(localStoreName("ann", "personal"));
  const loaded = await store.load(id);
  store.close();
  const doc = new Y.Doc();
  if (loaded.ok && loaded.value.state) Y.applyUpdate(doc, loaded.value.state);
  return { kept: countWords(doc.getText("draft").toJSON()), told, saidStored };
}

async function playPeer(fault: Fault): Promise<Outcome> {
  let device = installFailingIndexedDb();
  const doc = new Y.Doc();
  const peer = new IndexeddbPersistence("peer", doc);
  await peer.whenSynced;
  let told = false;
  peer.on("error", () => (told = true));
  for (let word = 1; word <= WORDS; word++) {
    device = fault(device, word);
    try {
      doc.getText("draft").insert(doc.getText("draft").length, `word${word} `);
    } catch {
      told = true; // thrown into whoever typed
    }
    await turns(20);
  }
  device.heal();
  const saidStored = peer.synced;
  await peer.destroy().catch(() => undefined); // its database may be gone
  const reread = new Y.Doc();
  const rereader = new IndexeddbPersistence("peer", reread);
  await rereader.whenSynced;
  const kept = countWords(reread.getText("draft").toJSON());
  await rereader.destroy();
  return { kept, told, saidStored };
}

const lines: string[] = [];
afterAll(() => void process.stdout.write(`${lines.join("\n")}\n`));
const say = (what: string, ours: Outcome, peer: Outcome): void => {
  const words = ({ kept, told, saidStored }: Outcome): string =>
    `${kept} of ${WORDS} words there after a reload, ${told ? "told" : "not told"}, in the end "${saidStored ? "stored" : "not stored"}"`;
  lines.push(`${what}: ours ${words(ours)}; y-indexeddb ${words(peer)}`);
};

test("a full disk at each single write: ours says so and keeps every word, y-indexeddb keeps what came before it", async () => {
  let lost = 0;
  for (let nth = 1; nth <= WORDS; nth++) {
    const fault: Fault = (device, word) => {
      if (word === 1) device.failWrites((write) => write === nth);
      return device;
    };
    const [ours, peer] = [await playOurs(fault), await playPeer(fault)];
    say(`quota at write ${nth}`, ours, peer);
    expect(ours).toEqual({ kept: WORDS, told: true, saidStored: true });
    if (peer.kept < WORDS && !peer.told && peer.saidStored) lost++;
  }
  expect(lost).toBe(WORDS);
});

test.each([1, 5, WORDS])("the browser closes the database before word %i: what is said to be stored is", async (at) => {
  const fault: Fault = (device, word) => {
    if (word === at) device.forceClose();
    return device;
  };
  const [ours, peer] = [await playOurs(fault), await playPeer(fault)];
  say(`closed before word ${at}`, ours, peer);
  expect(ours).toMatchObject({ kept: WORDS, saidStored: true });
  expect(peer).toMatchObject({ kept: at - 1, saidStored: true });
});

test.each([2, 6, WORDS])(
  "the browser deletes the database before word %i: what is said to be stored is",
  async (at) => {
    const fault: Fault = (device, word) => {
      if (word !== at) return device;
      device.forceClose();
      return installFailingIndexedDb();
    };
    const [ours, peer] = [await playOurs(fault), await playPeer(fault)];
    say(`deleted before word ${at}`, ours, peer);
    expect(ours).toMatchObject({ kept: WORDS, saidStored: true });
    expect(peer).toMatchObject({ kept: 0, saidStored: true });
  },
);
