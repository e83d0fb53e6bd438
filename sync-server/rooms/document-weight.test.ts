import { expect, test } from "vitest";
import * as Y from "yjs";
import { openConversation } from "#shared/documents/conversation.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import { heaviest, weightOfUpdates } from "./document-weight.ts";
import { createLiveDocument } from "./live-document.ts";

function stateOf(write: (doc: Y.Doc) => void): Uint8Array {
  const doc = new Y.Doc();
  doc.transact(() => write(doc));
  return Y.encodeStateAsUpdate(doc);
}

function messages(doc: Y.Doc, count: number, text: string): void {
  const conversation = openConversation(doc, "device");
  let parentId: MessageId | undefined;
  for (let i = 0; i < count; i++) {
    const id = `0190aaaa-0000-7000-8000-${String(i).padStart(12, "0")}` as MessageId;
    conversation.addPrompt({ id, parentId, text, createdAt: i });
    parentId = id;
  }
  conversation.close();
}

/** What was measured with `--expose-gc` for one copy of each, in MB of heap. */
const MEASURED: readonly [string, number, (doc: Y.Doc) => void][] = [
  ["100 messages of 600 bytes", 0.52, (doc) => messages(doc, 100, "word ".repeat(120))],
  ["1,000 messages of 600 bytes", 4.4, (doc) => messages(doc, 1_000, "word ".repeat(120))],
  ["6 MB of text", 6.0, (doc) => doc.getText("draft").insert(0, "m".repeat(6_000_000))],
  [
    "50,000 characters, each before the other",
    10.4,
    (doc) => {
      for (let i = 0; i < 50_000; i++) doc.getText("draft").insert(0, "x");
    },
  ],
  [
    "50,000 keys",
    22.7,
    (doc) => {
      for (let i = 0; i < 50_000; i++) doc.getMap("settings").set(`k${i}`, i);
    },
  ],
  [
    "100,000 empty objects",
    6.5,
    (doc) =>
      doc.getMap("settings").set(
        "k",
        Array.from({ length: 100_000 }, () => ({})),
      ),
  ],
];

test.each(MEASURED)(
  "R16: %s weigh about what they take of the heap, and no more than the bound",
  (_, measured, write) => {
    const state = stateOf(write);
    const live = createLiveDocument(1, [state])!;
    const weight = live.weight(state.byteLength) / 1e6;
    expect(weight).toBeGreaterThan(measured * 0.8);
    expect(weight).toBeLessThan(measured * 3);
    // Before it is integrated, neighbours are not joined yet: it may seem heavier, never lighter.
    const foreseen = weightOfUpdates([state]) / 1e6;
    expect(foreseen).toBeGreaterThanOrEqual(weight);
    expect(heaviest([state]) / 1e6).toBeGreaterThan(measured);
  },
);

test("what was overwritten is not weighed any more", () => {
  const live = createLiveDocument(1, [])!;
  const device = new Y.Doc();
  const write = (): void => {
    const before = Y.encodeStateVector(device);
    device.getMap("settings").set(
      "k",
      Array.from({ length: 10_000 }, () => ({})),
    );
    live.apply(Y.encodeStateAsUpdate(device, before));
  };
  write();
  const once = live.weight(0);
  for (let i = 0; i < 20; i++) write();
  expect(live.weight(0)).toBeLessThan(once * 1.2);
  live.apply(stateOf((doc) => doc.getMap("settings").set("other", [{}])));
  expect(live.weight(0)).toBeGreaterThan(0);
});

test("a document grows by what is written into it, and what cannot be read weighs as little as nothing", () => {
  const live = createLiveDocument(1, [])!;
  const before = live.weight(0);
  live.apply(stateOf((doc) => doc.getMap("settings").set("k", [{}, { a: [1] }])));
  expect(live.weight(0)).toBeGreaterThan(before);
  expect(weightOfUpdates([new Uint8Array([255, 255, 255])])).toBe(weightOfUpdates([]) + 3);
});
