import * as encoding from "lib0/encoding";
import fc from "fast-check";
import { Awareness as Peer, applyAwarenessUpdate, encodeAwarenessUpdate } from "y-protocols/awareness";
import { expect, test } from "vitest";
import * as Y from "yjs";
import {
  AWARENESS_ENTRIES,
  AWARENESS_STATE_LENGTH,
  nextAwareness,
  wholeAwareness,
  withoutSession,
} from "./awareness-state.ts";
import type { Awareness } from "./awareness-state.ts";

const NOBODY: Awareness = new Map();
function aPeer(clientId: number, state: Record<string, unknown>): Peer {
  const doc = new Y.Doc();
  doc.clientID = clientId;
  const peer = new Peer(doc);
  peer.setLocalState(state);
  return peer;
}
const said = (peer: Peer): Uint8Array => encodeAwarenessUpdate(peer, [peer.clientID]);

test("R13: a stock peer understands what is shown, and that a participant left", () => {
  const [ann, ben] = [aPeer(1, { name: "Ann" }), aPeer(2, { name: "Ben" })];
  const heard = nextAwareness(NOBODY, 10, said(ann));
  applyAwarenessUpdate(ben, heard!.shown!, "server");
  expect(ben.getStates().get(1)).toEqual({ name: "Ann" });
  const left = withoutSession(heard!.awareness, 10);
  applyAwarenessUpdate(ben, left.shown!, "server");
  expect(ben.getStates().has(1)).toBe(false);
  for (const peer of [ann, ben]) peer.destroy();
});

test("R13: a stock peer takes the update of an empty room for what it is: nobody, and nothing to tell", () => {
  const ann = aPeer(1, { name: "Ann" });
  let told = 0;
  for (const event of ["change", "update"] as const) ann.on(event, () => told++);
  applyAwarenessUpdate(ann, wholeAwareness(NOBODY), "server");
  expect([told, ann.getLocalState(), ann.getStates().size]).toEqual([0, { name: "Ann" }, 1]);
  expect(nextAwareness(NOBODY, 10, wholeAwareness(NOBODY))).toEqual({ awareness: NOBODY, shown: undefined });
  ann.destroy();
});

test("R13: a state over 4 KiB, an older one, and one of a fifth clientID are not taken", () => {
  const big = aPeer(1, { name: "x".repeat(AWARENESS_STATE_LENGTH) });
  expect(nextAwareness(NOBODY, 10, said(big))?.shown).toBeUndefined();
  const ann = aPeer(1, { name: "Ann" });
  const first = said(ann);
  ann.setLocalState({ name: "Anna" });
  const newer = nextAwareness(NOBODY, 10, said(ann))!.awareness;
  expect(nextAwareness(newer, 10, first)?.shown).toBeUndefined();
  const peers = [2, 3, 4, 5].map((clientId) => aPeer(clientId, {}));
  const heard = peers.map(said).reduce((all, update) => nextAwareness(all, 10, update)!.awareness, newer);
  expect([...heard.keys()]).toEqual([1, 2, 3, 4]);
  for (const peer of [big, ann, ...peers]) peer.destroy();
});

test("R13: any bytes are taken or refused, never thrown on", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const heard = nextAwareness(NOBODY, 1, bytes);
      if (heard?.shown === undefined) expect(heard?.awareness.size ?? 0).toBe(0);
    }),
  );
  expect(nextAwareness(NOBODY, 1, new Uint8Array([1, 1, 1, 1, 123]))).toBeUndefined();
});

const entries = (count: number): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, count);
    for (let client = 0; client < count; client++) {
      for (const number of [client, 1]) encoding.writeVarUint(encoder, number);
      encoding.writeVarString(encoder, "1");
    }
  });

test("R13: more entries than one account's sockets can show are refused before they are read", () => {
  expect(nextAwareness(NOBODY, 10, entries(AWARENESS_ENTRIES))?.awareness.size).toBe(4);
  expect(nextAwareness(NOBODY, 10, entries(AWARENESS_ENTRIES + 1))).toBeUndefined();
});

test("R13: a participant whose number has no end is malformed, and is not written again for ever", () => {
  const state = [...new TextEncoder().encode("{}")];
  for (const zeros of [147, 148]) {
    const number = [...Array<number>(zeros).fill(0x80), 1];
    for (const entry of [
      [...number, 1, 2, ...state],
      [1, ...number, 2, ...state],
    ])
      expect(nextAwareness(NOBODY, 10, new Uint8Array([1, ...entry])), String(zeros)).toBeUndefined();
  }
});
