import { IndexeddbPersistence } from "y-indexeddb";
import * as Y from "yjs";
import { openLocalStore } from "#client/local-store/open-local-store.ts";
import { createDocumentWriter } from "#client/local-store/document-writer.ts";
import type { DocumentWriter } from "#client/local-store/document-writer.ts";
import type { LocalStore } from "#client/local-store/local-store.ts";
import type { Clock } from "#client/platform/platform.ts";
import type { ConversationId } from "#shared/domain/ids.ts";

// The page that local-store.bench.ts drives: each function is one measurement in a real browser.

const NOTHING = { local: undefined, remote: undefined, summary: undefined, commands: [], strict: false };
const clock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
const idOf = (index: number): ConversationId => `document-${index}` as ConversationId;

function aDocument(): Uint8Array {
  const doc = new Y.Doc();
  for (let at = 0; at < 200; at++) doc.getText("draft").insert(at, "x");
  return Y.encodeStateAsUpdate(doc);
}

/** Stores the same small document so many times, in both stores. */
async function fill(documents: number): Promise<void> {
  const bytes = aDocument();
  const store = openLocalStore("ours");
  for (let index = 0; index < documents; index++) {
    await store.write({ id: idOf(index), epoch: 0, state: { bytes, pending: false }, ...NOTHING });
    const doc = new Y.Doc();
    const peer = new IndexeddbPersistence(idOf(index), doc);
    await peer.whenSynced;
    Y.applyUpdate(doc, bytes);
    await peer.destroy();
  }
  store.close();
}

/** Answers how many ms it takes until every document is in memory. */
async function openOurs(documents: number): Promise<number> {
  const start = performance.now();
  const store = openLocalStore("ours");
  await Promise.all(
    Array.from({ length: documents }, async (_, index) => {
      const loaded = await store.load(idOf(index));
      if (loaded.ok && loaded.value.state) Y.applyUpdate(new Y.Doc(), loaded.value.state);
    }),
  );
  store.close();
  return performance.now() - start;
}

async function openPeers(documents: number): Promise<number> {
  const start = performance.now();
  await Promise.all(
    Array.from({ length: documents }, (_, index) => new IndexeddbPersistence(idOf(index), new Y.Doc()).whenSynced),
  );
  return performance.now() - start;
}

/** What streaming so many appends into one document cost. */
interface Appended {
  /** until all of them were stored */
  ms: number;
  /** of these, how long the page's thread was busy making and handing over appends */
  blockedMs: number;
  /** rows left when the tab closes */
  rows: number;
}

const APPENDS_A_TURN = 4;

/** Lets the page do what else it has to; timers would wait 4 ms each. */
function nextTurn(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.addEventListener("message", () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(undefined);
  });
}

/** Appends one letter at a time, some in each turn, as an answer comes in. Answers how long its own turns took. */
async function stream(doc: Y.Doc, appends: number): Promise<number> {
  let busy = 0;
  for (let at = 0; at < appends;) {
    const start = performance.now();
    for (const end = at + APPENDS_A_TURN; at < end; at++) doc.getText("draft").insert(at, "x");
    busy += performance.now() - start;
    await nextTurn();
  }
  return busy;
}

/** Keeps a document stored as the app does. */
function openWriter(doc: Y.Doc, store: LocalStore): DocumentWriter {
  return createDocumentWriter(
    {
      id: idOf(0),
      epoch: () => 0,
      state: () => Y.encodeStateAsUpdate(doc),
      summary: () => ({
        title: "",
        excerpt: "",
        pinned: false,
        archived: false,
        deleted: false,
        tags: [],
        messageCount: 0,
      }),
      stored: ignore,
      acknowledged: ignore,
      settled: ignore,
      commandStored: ignore,
      wanted: () => true,
      changed: ignore,
    },
    store,
    clock,
  );
}

async function appendOurs(appends: number): Promise<Appended> {
  const doc = new Y.Doc();
  const store = openLocalStore("streamed-ours");
  const writer = openWriter(doc, store);
  doc.on("update", (update: Uint8Array) => writer.remote(update));
  const start = performance.now();
  const blockedMs = await stream(doc, appends);
  await writer.flush();
  const ms = performance.now() - start;
  // What the app does when a document is put away.
  await writer.compact();
  writer.close();
  store.close();
  return { ms, blockedMs, rows: await rowsIn("streamed-ours") };
}

async function appendPeers(appends: number): Promise<Appended> {
  const doc = new Y.Doc();
  const peer = new IndexeddbPersistence("streamed", doc);
  await peer.whenSynced;
  const start = performance.now();
  const blockedMs = await stream(doc, appends);
  // A question about its rows is answered after the writes before it.
  await rowsIn("streamed");
  const ms = performance.now() - start;
  await peer.destroy();
  return { ms, blockedMs, rows: await rowsIn("streamed") };
}

async function reopenOurs(): Promise<{ ms: number; length: number }> {
  const start = performance.now();
  const doc = new Y.Doc();
  const store = openLocalStore("streamed-ours");
  const loaded = await store.load(idOf(0));
  if (loaded.ok && loaded.value.state) Y.applyUpdate(doc, loaded.value.state);
  store.close();
  return { ms: performance.now() - start, length: doc.getText("draft").length };
}

async function reopenPeers(): Promise<{ ms: number; length: number }> {
  const start = performance.now();
  const doc = new Y.Doc();
  await new IndexeddbPersistence("streamed", doc).whenSynced;
  return { ms: performance.now() - start, length: doc.getText("draft").length };
}

const ignore = (): undefined => undefined;

function rowsIn(name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name);
    opening.addEventListener("error", () => reject(new Error(`${name} could not be opened`)));
    opening.addEventListener("success", () => {
      const counting = opening.result.transaction("updates").objectStore("updates").count();
      counting.addEventListener("success", () => {
        opening.result.close();
        resolve(counting.result);
      });
    });
  });
}

const KILOBYTES_64 = 64 * 1024;
const noise = (): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(KILOBYTES_64 / 2));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
};

/** Writes 64 KiB so many times to each store; answers what each said of it. */
async function writeUntilFull(writes: number) {
  const errors: string[] = [];
  addEventListener("unhandledrejection", (event) => errors.push(String(event.reason)));
  const peerDoc = new Y.Doc();
  const peer = new IndexeddbPersistence("quota", peerDoc);
  await peer.whenSynced;
  const doc = new Y.Doc();
  let update = new Uint8Array();
  doc.on("update", (bytes: Uint8Array) => (update = bytes.slice()));
  const store = openLocalStore("quota-ours");
  const said = { stored: 0, full: 0 };
  for (let index = 0; index < writes; index++) {
    const text = noise();
    peerDoc.getArray("words").push([text]);
    doc.getArray("words").push([text]);
    const written = await store.write({ id: idOf(0), epoch: 0, state: undefined, ...NOTHING, local: update });
    if (written.ok) said.stored++;
    else if (written.failure === "full") said.full++;
  }
  const health = store.health();
  store.close();
  return {
    ours: { ...said, health },
    peer: { inMemory: peerDoc.getArray("words").length, synced: peer.synced, errors },
  };
}

/** Answers how many of those writes are there after a reload. */
async function countStored(): Promise<{ ours: number; peer: number }> {
  const peerDoc = new Y.Doc();
  await new IndexeddbPersistence("quota", peerDoc).whenSynced;
  const store = openLocalStore("quota-ours");
  const loaded = await store.load(idOf(0));
  const doc = new Y.Doc();
  if (loaded.ok && loaded.value.state) Y.applyUpdate(doc, loaded.value.state);
  store.close();
  return { ours: doc.getArray("words").length, peer: peerDoc.getArray("words").length };
}

const WORDS_A_HALF = 10;

/** Writes half of the words to both stores, and answers how to write the others once the browser has evicted them. */
function aSession(): { write: () => Promise<void>; said: () => { ours: string; peer: boolean } } {
  const store = openLocalStore("evicted-ours", clock);
  const doc = new Y.Doc();
  const writer = openWriter(doc, store);
  let token = 0;
  doc.on("update", (update: Uint8Array) => writer.local((token += 1), update));
  store.onReopened(() => writer.rewrite("reopened"));
  const peerDoc = new Y.Doc();
  const peer = new IndexeddbPersistence("evicted", peerDoc);
  return {
    async write() {
      await peer.whenSynced;
      for (let word = 0; word < WORDS_A_HALF; word++) {
        for (const one of [doc, peerDoc]) {
          try {
            one.getArray("words").push([`word ${word}`]);
          } catch {
            // y-indexeddb throws into whoever typed once its database is closed
          }
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      while (writer.unstored()) await new Promise((resolve) => setTimeout(resolve, 50));
    },
    said: () => ({ ours: writer.unstored() ? "not stored" : "stored", peer: peer.synced }),
  };
}

let session: ReturnType<typeof aSession> | undefined;
async function writeHalf(): Promise<{ ours: string; peer: boolean }> {
  session ??= aSession();
  await session.write();
  return session.said();
}

/** Answers how many of the words are there after a reload. */
async function countEvicted(): Promise<{ ours: number; peer: number }> {
  const peerDoc = new Y.Doc();
  await new IndexeddbPersistence("evicted", peerDoc).whenSynced;
  const store = openLocalStore("evicted-ours");
  const loaded = await store.load(idOf(0));
  const doc = new Y.Doc();
  if (loaded.ok && loaded.value.state) Y.applyUpdate(doc, loaded.value.state);
  store.close();
  return { ours: doc.getArray("words").length, peer: peerDoc.getArray("words").length };
}

export const measurements = {
  fill,
  open: { ours: openOurs, peers: openPeers },
  append: { ours: appendOurs, peers: appendPeers },
  reopen: { ours: reopenOurs, peers: reopenPeers },
  writeUntilFull,
  countStored,
  writeHalf,
  countEvicted,
};
Object.assign(globalThis, { measurements });
