import * as encoding from "lib0/encoding";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { canonicalContent } from "#shared/documents/canonical-content.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { AccountId, MessageId, WorkspaceId } from "#shared/domain/ids.ts";
import { actorOf } from "#server/access/principal.ts";
import { content, encodeUpdate } from "#tests/hostile/raw-updates.ts";
import type { RawContent, RawStruct } from "#tests/hostile/raw-updates.ts";
import { createLiveDocument, hasPending } from "./live-document.ts";
import type { LiveDocument } from "./live-document.ts";
import { ImpossiblePlace } from "./placement-check.ts";
import { RELAY_ACTOR, checkUpdate } from "./update-check.ts";
import { UPDATE_LIMITS } from "./update-limits.ts";

const ANN = "account:ann";
const BEN = "account:ben";

/** A server copy with its bindings; `take` is the write path up to the row. */
function aDocument() {
  const live = createLiveDocument(1, [])!;
  const bindings = new Map<number, string>();
  return {
    live,
    bindings,
    check: (update: Uint8Array, actor = ANN) => checkUpdate(live.doc, bindings, actor, update),
    take(update: Uint8Array, actor = ANN): string {
      const checked = checkUpdate(live.doc, bindings, actor, update);
      if (!checked.ok) return checked.failure;
      for (const client of checked.value) bindings.set(client, actor);
      const applied = live.apply(update);
      return applied.type === "broken" && applied.error instanceof ImpossiblePlace ? "impossible" : applied.type;
    },
  };
}
function updateOf(edit: (doc: Y.Doc) => void, clientId?: number): Uint8Array {
  const doc = new Y.Doc();
  if (clientId !== undefined) doc.clientID = clientId;
  edit(doc);
  return Y.encodeStateAsUpdate(doc);
}

const nested = (depth: number) => (doc: Y.Doc) => {
  let map: Y.Map<unknown> = doc.getMap("meta");
  for (let i = 1; i < depth; i++) {
    const inner = new Y.Map<unknown>();
    map.set("in", inner);
    map = inner;
  }
  map.set("leaf", 1);
};

/** The changes of so many devices in one update. */
const many = (from: number, count: number): Uint8Array =>
  Y.mergeUpdates(
    Array.from({ length: count }, (_, i) => updateOf((doc) => doc.getMap("meta").set(`k${i}`, i), from + i)),
  );

test("the relay is bound under the name actorOf gives it", () => {
  expect(actorOf({ kind: "relay", accountId: "a" as AccountId, workspaceId: "w" as WorkspaceId })).toBe(RELAY_ACTOR);
});

const under = (values: RawContent): Uint8Array =>
  encodeUpdate({
    sections: [{ client: 7, clock: 0, structs: [{ kind: "item", parent: "meta", parentSub: "k", content: values }] }],
    deletes: [],
  });

test("R2: several values in one item under a key, of which a part could be deleted", () => {
  const document = aDocument();
  expect(document.check(under(content.any(1, 2)))).toEqual({ ok: false, failure: "invalid" });
  expect(document.check(under(content.string("ab")))).toEqual({ ok: false, failure: "invalid" });
  expect(document.check(under(content.any(1))).ok).toBe(true);
  expect(document.check(under(content.deleted(2))).ok).toBe(true);
});

test("R2: an item whose known beginning is garbage although its place is there", () => {
  const document = aDocument();
  expect(
    document.take(
      encodeUpdate({ sections: [{ client: 7, clock: 0, structs: [{ kind: "gc", length: 3 }] }], deletes: [] }),
    ),
  ).toBe("changed");
  const item = { kind: "item", parent: "draft", content: content.string("hostile") } as const;
  const overlapping = encodeUpdate({ sections: [{ client: 7, clock: 0, structs: [item] }], deletes: [] });
  expect(document.check(overlapping)).toEqual({ ok: false, failure: "invalid" });
});

/** One item at the beginning of what a client writes. */
const firstItem = (struct: Omit<Extract<RawStruct, { kind: "item" }>, "kind">): Uint8Array =>
  encodeUpdate({ sections: [{ client: 5, clock: 0, structs: [{ kind: "item", ...struct }] }], deletes: [] });

test.each([
  ["in another container", { parent: "draft" }],
  ["under another key", { parent: "settings", parentSub: "other" }],
])("R2: an item whose known beginning stands %s, which would knot two lists together", (_, place) => {
  const document = aDocument();
  const at = { parent: "settings", parentSub: "k", content: content.string("s") };
  expect(document.take(firstItem(at))).toBe("changed");
  expect(document.take(firstItem({ ...place, content: content.deleted(9) }))).toBe("invalid");
  expect(document.take(firstItem({ ...at, content: content.deleted(9) }))).toBe("changed");
});

const inValue = (value: unknown): Uint8Array => updateOf((doc) => doc.getMap("settings").set("k", value));
const emptyObjects = (count: number): object[] => Array.from({ length: count }, () => ({}));

test("R2: an item that is known and now named between the halves of a character, which would tear it unseen", () => {
  const document = aDocument();
  document.take(updateOf((doc) => doc.getText("draft").insert(0, "a\u{1F30A}b"), 6));
  const between = { origin: { client: 6, clock: 1 }, rightOrigin: { client: 6, clock: 2 } };
  const item = { parent: "draft", content: content.string("x") };
  expect(document.take(firstItem({ ...item, origin: { client: 6, clock: 3 } }))).toBe("changed");
  expect(document.take(firstItem({ ...item, ...between }))).toBe("invalid");
  expect(document.take(firstItem({ ...item, origin: { client: 6, clock: 1 } }))).toBe("invalid");
  expect(document.take(firstItem({ ...item, content: content.string("xy"), ...between }))).toBe("invalid");
  expect(document.live.doc.getText("draft").toString()).toBe("a\u{1F30A}bx");
  // Written for the first time it tears the character for everybody, as it did for its author.
  const other = encodeUpdate({
    sections: [{ client: 7, clock: 0, structs: [{ kind: "item", ...item, ...between }] }],
    deletes: [],
  });
  expect(document.take(other)).toBe("changed");
  expect(document.live.doc.getText("draft").toString()).toBe("a\ufffdx\ufffdbx");
  expect(document.take(other)).toBe("unchanged");
});

test("R2: values whose entries would fill the heap, read or not, and as many as many answers have", () => {
  expect(aDocument().take(inValue(emptyObjects(UPDATE_LIMITS.entries + 1)))).toBe("invalid");
  expect(aDocument().take(inValue({ a: emptyObjects(150_000), b: [emptyObjects(50_000)] }))).toBe("invalid");
  expect(aDocument().take(inValue(emptyObjects(UPDATE_LIMITS.entries)))).toBe("changed");
  const mixed = [
    1,
    2n ** 40n,
    1.5,
    Math.fround(1.1),
    "text",
    null,
    undefined,
    true,
    false,
    new Uint8Array(3),
    { a: {} },
  ];
  expect(aDocument().take(inValue(mixed))).toBe("changed");
});

test("R2: two runs of one client, of which Yjs would take the last", () => {
  const item = { kind: "item", parent: "draft", content: content.string("ab") } as const;
  const run = (clock: number) => ({ client: 7, clock, structs: [item] });
  const document = aDocument();
  for (const clock of [0, 1, 5]) {
    expect(document.check(encodeUpdate({ sections: [run(0), run(clock)], deletes: [] })).ok).toBe(false);
  }
  expect(document.check(encodeUpdate({ sections: [run(0)], deletes: [] })).ok).toBe(true);
});

describe("R2: refused as invalid", () => {
  test.each<[string, (doc: Y.Doc) => void]>([
    ["a root type nobody reads", (doc) => doc.getMap("conv").set("a", 1)],
    ["a subdocument", (doc) => doc.getMap("meta").set("a", new Y.Doc())],
    ["an XML element", (doc) => doc.getMap("meta").set("a", new Y.XmlElement("a"))],
    ["an XML text", (doc) => doc.getMap("meta").set("a", new Y.XmlText("a"))],
    ["formatting", (doc) => doc.getText("draft").insert(0, "a", { bold: true })],
    ["an embed", (doc) => doc.getText("draft").insertEmbed(0, { image: "x" })],
    ["the key __proto__", (doc) => doc.getMap("meta").set("__proto__", 1)],
    ["a list item under a map", (doc) => doc.getArray("meta").push([1])],
    ["an attribute of a text", (doc) => doc.getText("draft").setAttribute("a", 1)],
    ["maps nested too deep", nested(UPDATE_LIMITS.nesting + 1)],
    ["a value nested too deep", (doc) => doc.getMap("meta").set("a", [[[[[[[[[1]]]]]]]]])],
  ])("%s", (_, edit) => {
    const document = aDocument();
    expect(document.check(updateOf(edit))).toEqual({ ok: false, failure: "invalid" });
  });

  test("what is just within the nesting limit is taken", () => {
    expect(aDocument().take(updateOf(nested(UPDATE_LIMITS.nesting)))).toBe("changed");
  });

  test("V2 bytes, trailing bytes, and 2^31 deleted characters", () => {
    const doc = new Y.Doc();
    doc.getText("draft").insert(0, "two versions of one update");
    const update = Y.encodeStateAsUpdate(doc);
    expect(aDocument().check(Y.encodeStateAsUpdateV2(doc)).ok).toBe(false);
    expect(aDocument().check(new Uint8Array([...update, 0])).ok).toBe(false);
    expect(aDocument().check(garbageOfLength(7, 2 ** 31 - 1))).toEqual({ ok: false, failure: "invalid" });
  });

  test("more new clientIDs than a device can have, and more than a document may hold", () => {
    expect(aDocument().check(many(100, 65))).toEqual({ ok: false, failure: "invalid" });
    const document = aDocument();
    for (let i = 0; i < 2_000; i++) document.bindings.set(1_000_000 + i, ANN);
    expect(document.check(many(100, 1))).toEqual({ ok: false, failure: "quota" });
  });

  test("an item whose neighbours live in two different containers", () => {
    const document = aDocument();
    const doc = new Y.Doc();
    doc.clientID = 5;
    doc.getText("draft").insert(0, "ab");
    doc.getMap("meta").set("title", "t");
    document.take(Y.encodeStateAsUpdate(doc));
    // A character between draft[0] and the title.
    const knot = encoding.encode((encoder) => {
      for (const number of [1, 1, 5, 3]) encoding.writeVarUint(encoder, number);
      encoding.writeUint8(encoder, 0b1100_0000 | 4);
      for (const number of [5, 0, 5, 2]) encoding.writeVarUint(encoder, number);
      encoding.writeVarString(encoder, "x");
      encoding.writeVarUint(encoder, 0);
    });
    expect(document.check(knot)).toEqual({ ok: false, failure: "invalid" });
  });

  test("an item whose parent its own author writes only later", () => {
    const update = encoding.encode((encoder) => {
      for (const number of [1, 2, 5, 0]) encoding.writeVarUint(encoder, number);
      encoding.writeUint8(encoder, 0b0010_0000 | 8);
      for (const number of [0, 5, 1]) encoding.writeVarUint(encoder, number);
      encoding.writeVarString(encoder, "text");
      encoding.writeVarUint(encoder, 1);
      encoding.writeAny(encoder, 1);
      encoding.writeUint8(encoder, 1);
      encoding.writeVarUint(encoder, 1);
      encoding.writeVarString(encoder, "draft");
      for (const number of [8, 0]) encoding.writeVarUint(encoder, number);
    });
    expect(aDocument().take(update)).toBe("invalid");
  });
});

describe("R3", () => {
  test("structs under a clientID of somebody else are denied, their own resent structs are not", () => {
    const document = aDocument();
    const doc = new Y.Doc();
    doc.getText("draft").insert(0, "mine");
    const first = Y.encodeStateAsUpdate(doc);
    expect(document.take(first)).toBe("changed");
    expect(document.take(first, BEN)).toBe("unchanged");
    doc.getText("draft").insert(4, " still");
    expect(document.take(Y.encodeStateAsUpdate(doc), BEN)).toBe("denied");
    expect(document.live.doc.getText("draft").toJSON()).toBe("mine");
  });

  test("nobody writes under the clientID the server itself will use", () => {
    expect(aDocument().take(updateOf((doc) => doc.getText("draft").insert(0, "x"), 1))).toBe("denied");
  });
});

describe("R4: a gap is told from an attack", () => {
  test("a missing clock, and a missing origin", () => {
    const doc = new Y.Doc();
    doc.getText("draft").insert(0, "a");
    const before = Y.encodeStateVector(doc);
    doc.getText("draft").insert(1, "b");
    expect(aDocument().check(Y.encodeStateAsUpdate(doc, before))).toEqual({ ok: false, failure: "gap" });
    const other = new Y.Doc();
    Y.applyUpdate(other, Y.encodeStateAsUpdate(doc));
    other.getText("draft").insert(2, "c");
    const onlyOther = Y.encodeStateAsUpdate(other, Y.encodeStateVector(doc));
    expect(aDocument().check(onlyOther)).toEqual({ ok: false, failure: "gap" });
  });

  test("a deleted range that nobody wrote yet", () => {
    const document = aDocument();
    document.take(updateOf((doc) => doc.getText("draft").insert(0, "abc"), 5));
    const future = encoding.encode((encoder) => {
      for (const number of [0, 1, 5, 1, 2, 9]) encoding.writeVarUint(encoder, number);
    });
    expect(document.check(future)).toEqual({ ok: false, failure: "gap" });
  });
});

describe("honest documents are taken", () => {
  test("1,000 messages, 5,000 streamed appends and deletions, in one SyncStep2", () => {
    const doc = new Y.Doc();
    const conversation = openConversation(doc, "device");
    for (let i = 0; i < 1_000; i++) {
      const id = `m${i}` as MessageId;
      conversation.addPrompt({ id, parentId: undefined, text: `prompt ${i}`, createdAt: i });
    }
    for (let i = 0; i < 5_000; i++) conversation.draft.insert(conversation.draft.length, "token ");
    for (let i = 0; i < 100; i++) conversation.removeMessage(`m${i}` as MessageId);
    conversation.setDraft("");
    const document = aDocument();
    expect(document.take(Y.encodeStateAsUpdate(doc))).toBe("changed");
    expect(canonicalContent(document.live.doc)).toBe(canonicalContent(doc));
  });

  test("any history of edits by several devices, delivered whole, split or twice, is never refused", () => {
    fc.assert(fc.property(fc.array(anEdit, { maxLength: 40 }), fc.infiniteStream(fc.nat(3)), deliversEveryEdit), {
      numRuns: 150,
    });
  });
});

test("R2: mutated and truncated updates never throw, and leave the document as it is unless they are taken", () => {
  const source = new Y.Doc();
  const conversation = openConversation(source, "device");
  conversation.addPrompt({ id: "m1" as MessageId, parentId: undefined, text: "What are tides?", createdAt: 1 });
  conversation.setDraft("and why?");
  conversation.setDraft("");
  const bytes = Y.encodeStateAsUpdate(source);
  const changed = fc.record({ at: fc.nat(bytes.length - 1), byte: fc.nat(255) });
  const mutation = fc.record({ changes: fc.array(changed, { maxLength: 4 }), length: fc.nat(bytes.length) });
  let refused = 0;
  fc.assert(
    fc.property(mutation, ({ changes, length }) => {
      const mutated = bytes.slice(0, changes.length > 0 ? bytes.length : length);
      for (const { at, byte } of changes) mutated[at] = byte;
      const document = aDocument();
      document.take(updateOf((doc) => doc.getText("draft").insert(0, "x"), 9));
      const before = canonicalContent(document.live.doc);
      const outcome = document.take(mutated);
      // Such a copy is in doubt and is dropped.
      if (outcome === "impossible") return;
      if (outcome !== "changed") {
        refused += 1;
        expect(canonicalContent(document.live.doc)).toBe(before);
      }
      expect(outcome).not.toBe("broken");
      expect(hasPending(document.live.doc)).toBe(false);
      expect(createLiveDocument(2, [document.live.since()])).toBeDefined();
    }),
    { numRuns: 1_500 },
  );
  expect(refused).toBeGreaterThan(0);
});

type Edit = { device: number; what: number; at: number; text: string };
const anEdit: fc.Arbitrary<Edit> = fc.record({
  device: fc.nat(2),
  what: fc.nat(6),
  at: fc.nat(30),
  text: fc.string({ minLength: 1, maxLength: 5 }),
});

function change(doc: Y.Doc, { what, at, text }: Edit): void {
  const conversation = openConversation(doc, "device");
  const { draft } = conversation;
  const id = `m${at % 4}` as MessageId;
  const edits = [
    () => draft.insert(at % (draft.length + 1), text),
    () => draft.delete(at % (draft.length + 1), Math.min(2, draft.length - (at % (draft.length + 1)))),
    () => conversation.addPrompt({ id, parentId: undefined, text, createdAt: at }),
    () => conversation.rewritePrompt(id, text),
    () => conversation.removeMessage(id),
    () => conversation.rename(text),
    () => conversation.setTag(`t${at % 3}`, at % 2 === 0),
  ];
  edits[what]?.();
  conversation.close();
}

/** Three devices edit; what each did reaches the server late, merged, split, twice, and comes back. */
function deliversEveryEdit(edits: Edit[], chance: Iterator<number>): void {
  const document = aDocument();
  const devices = [10, 11, 12].map((clientId) => {
    const doc = new Y.Doc();
    doc.clientID = clientId;
    const unsent: Uint8Array[] = [];
    doc.on("update", (update: Uint8Array, origin: unknown) => origin !== "server" && unsent.push(update));
    return { doc, unsent };
  });
  const deliver = (update: Uint8Array): void => expect(["changed", "unchanged"]).toContain(document.take(update));
  for (const edit of edits) {
    const { doc, unsent } = devices[edit.device]!;
    change(doc, edit);
    const how = Number(chance.next().value);
    if (how === 0) continue;
    if (how === 1) for (const update of unsent.splice(0)) deliver(update);
    if (how === 2 && unsent.length > 0) deliver(Y.mergeUpdates(unsent.splice(0)));
    if (how === 3) deliver(Y.encodeStateAsUpdate(doc, document.live.stateVector()));
    if (how === 3) Y.applyUpdate(doc, document.live.since(Y.encodeStateVector(doc)), "server");
  }
  for (const { doc } of devices) deliver(Y.encodeStateAsUpdate(doc, document.live.stateVector()));
  for (const { doc } of devices) deliver(Y.encodeStateAsUpdate(doc));
  expectConverged(
    document.live,
    devices.map(({ doc }) => doc),
  );
}

function expectConverged(live: LiveDocument, docs: Y.Doc[]): void {
  expect(hasPending(live.doc)).toBe(false);
  for (const doc of docs) {
    Y.applyUpdate(doc, live.since(Y.encodeStateVector(doc)), "server");
    expect(canonicalContent(doc)).toBe(canonicalContent(live.doc));
  }
}

/** One garbage-collected range of the given length. */
const garbageOfLength = (client: number, length: number): Uint8Array =>
  encoding.encode((encoder) => {
    for (const number of [1, 1, client, 0]) encoding.writeVarUint(encoder, number);
    encoding.writeUint8(encoder, 0);
    encoding.writeVarUint(encoder, length);
    encoding.writeVarUint(encoder, 0);
  });

// lib0 reads Infinity from the first and NaN from the second; whoever writes Infinity again never ends.
const NO_NUMBERS = [147, 148].map((zeros) => [...Array<number>(zeros).fill(0x80), 1]);

test("R2: a number without end, wherever it stands in an update, is refused or harmless, and nothing goes on for ever", () => {
  const edits: ((doc: Y.Doc) => void)[] = [
    (doc) => doc.getText("draft").insert(0, "words"),
    (doc) => {
      doc.getText("draft").insert(0, "words");
      doc.getText("draft").delete(1, 2);
    },
    (doc) => doc.getMap("meta").set("title", "Tides"),
    (doc) =>
      openConversation(doc, "test").addPrompt({ id: "m1" as MessageId, parentId: undefined, text: "Hi", createdAt: 1 }),
  ];
  let refused = 0;
  for (const edit of edits) {
    const honest = updateOf(edit, 5);
    for (let at = 0; at < honest.length; at++) {
      for (const number of NO_NUMBERS) {
        const { live, take } = aDocument();
        const outcome = take(new Uint8Array([...honest.slice(0, at), ...number, ...honest.slice(at + 1)]));
        if (["invalid", "gap"].includes(outcome)) refused += 1;
        expect(live.since().length).toBeLessThan(2_000);
      }
    }
  }
  // Most places are numbers; the others are letters, and lengths of what follows.
  expect(refused).toBeGreaterThan(300);
});

test("R2: a clientID is 32 bits, as Yjs draws them", () => {
  const outcomes = [2 ** 32 - 1, 2 ** 32].map((clientId) =>
    aDocument().take(updateOf((doc) => doc.getText("draft").insert(0, "x"), clientId)),
  );
  expect(outcomes).toEqual(["changed", "invalid"]);
});
