import "fake-indexeddb/auto";
import { IndexeddbPersistence } from "y-indexeddb";
import * as Y from "yjs";
import { openLocalStore } from "#client/local-store/open-local-store.ts";
import type { ConversationId } from "#shared/domain/ids.ts";

// `npx tsx tests/bench/local-store.bench.ts`: opens 300 documents from each store. On fake-indexeddb there is
// no disk, so only the work in JavaScript shows; what databases cost shows in a browser.
const DOCUMENTS = 300;
const ids = Array.from({ length: DOCUMENTS }, (_, index) => `document-${index}` as ConversationId);

function aDocument(): Uint8Array {
  const doc = new Y.Doc();
  for (let at = 0; at < 200; at++) doc.getText("draft").insert(at, "x");
  return Y.encodeStateAsUpdate(doc);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return Math.round(performance.now() - start);
}

const state = { bytes: aDocument(), pending: false };
const filling = openLocalStore("ours");
for (const id of ids) {
  const nothing = { local: undefined, remote: undefined, summary: undefined, commands: [], strict: false };
  await filling.write({ id, epoch: 0, state, ...nothing });
}
filling.close();
for (const id of ids) {
  const doc = new Y.Doc();
  const peer = new IndexeddbPersistence(id, doc);
  await peer.whenSynced;
  Y.applyUpdate(doc, state.bytes);
  await peer.destroy();
}

const ours = await timed(async () => {
  const store = openLocalStore("ours");
  await Promise.all(
    ids.map(async (id) => {
      const loaded = await store.load(id);
      if (loaded.ok && loaded.value.state) Y.applyUpdate(new Y.Doc(), loaded.value.state);
    }),
  );
  store.close();
});
const peers = await timed(async () => {
  await Promise.all(ids.map((id) => new IndexeddbPersistence(id, new Y.Doc()).whenSynced));
});
process.stdout.write(
  `open ${DOCUMENTS} documents: ours ${ours} ms, y-indexeddb ${peers} ms, ratio ${(peers / ours).toFixed(1)}\n`,
);
process.exit(0);
