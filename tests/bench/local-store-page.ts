import { IndexeddbPersistence } from "y-indexeddb";
import * as Y from "yjs";
import { openLocalStore } from "#client/local-store/open-local-store.ts";
import { createDocumentWriter } from "#client/local-store/document-writer.ts";
import type { ConversationId } from "#shared/domain/ids.ts";

// The page that local-store-browser.bench.ts drives: each function is one measurement in a real browser.

const NOTHING = { local: undefined, remote: undefined, summary: undefined, commands: [], strict: false };
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

/** Streams so many appends into one document of each store; answers how many rows they leave when the tab closes. */
async function append(appends: number): Promise<{ ours: number; peer: number }> {
  const streamed = new Y.Doc();
  const peer = new IndexeddbPersistence("streamed", streamed);
  await peer.whenSynced;
  const doc = new Y.Doc();
  const store = openLocalStore("streamed-ours");
  const writer = createDocumentWriter(
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
    {
      now: () => Date.now(),
      after(ms, callback) {
        const timer = setTimeout(callback, ms);
        return () => clearTimeout(timer);
      },
    },
  );
  doc.on("update", (update: Uint8Array) => writer.remote(update));
  for (let at = 0; at < appends; at++) {
    streamed.getText("draft").insert(at, "x");
    doc.getText("draft").insert(at, "x");
    if (at % 4 === 3) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await writer.flush();
  await writer.compact();
  writer.close();
  store.close();
  await peer.destroy();
  return { ours: await rowsIn("streamed-ours"), peer: await rowsIn("streamed") };
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

export const measurements = { fill, openOurs, openPeers, append, writeUntilFull, countStored };
Object.assign(globalThis, { measurements });
