import fc from "fast-check";
import { expect, test } from "vitest";
import * as Y from "yjs";
import { content, encodeUpdate } from "#tests/hostile/raw-updates.ts";
import type { RawId, RawStruct } from "#tests/hostile/raw-updates.ts";
import { createLiveDocument } from "./live-document.ts";
import { ImpossiblePlace } from "./placement-check.ts";
import { UPDATE_LIMITS } from "./update-limits.ts";

const VICTIM = 5;
const HOSTILE = 9;
const at = (clock: number, client = VICTIM): RawId => ({ client, clock });
const say = (text: string, place: { origin?: RawId; rightOrigin?: RawId } = {}): RawStruct => ({
  kind: "item",
  parent: "draft",
  content: content.string(text),
  ...place,
});
const under = (client: number, ...structs: RawStruct[]): Uint8Array =>
  encodeUpdate({ sections: [{ client, clock: 0, structs }], deletes: [] });

/** A document whose draft is `0123456789` by the victim, typed in one go. */
function aDocument(processorTime?: () => number) {
  const live = createLiveDocument(1, [under(VICTIM, say("0123456789"))], processorTime);
  if (live === undefined) throw new Error("the document is whole");
  return live;
}

test.each<[string, RawStruct[]]>([
  ["the neighbours the wrong way round", [say("x", { origin: at(7), rightOrigin: at(3) })]],
  ["before a character, without the one that came before it", [say("x", { rightOrigin: at(4) })]],
  ["far apart neighbours, one of which was written after the other", [say("x", { origin: at(2), rightOrigin: at(8) })]],
  ["beside an own earlier item that stands between", [say("x", { origin: at(9) }), say("y", { origin: at(9) })]],
])("R14: %s is a place nobody could write at", (_, structs) => {
  const applied = aDocument().apply(under(HOSTILE, ...structs));
  expect(applied).toMatchObject({ type: "broken", error: expect.any(ImpossiblePlace) });
});

test("R14: what is refused would show one text to who was there, and another to who comes later", () => {
  const [typed, more] = [under(VICTIM, say("0123456789")), say("x", { origin: at(7), rightOrigin: at(3) })];
  const there = new Y.Doc();
  Y.applyUpdate(there, typed);
  Y.applyUpdate(there, under(HOSTILE, more));
  const later = new Y.Doc();
  Y.applyUpdate(later, Y.encodeStateAsUpdate(there));
  expect(Y.encodeStateVector(there)).toEqual(Y.encodeStateVector(later));
  expect([there, later].map((doc) => doc.getText("draft").toJSON())).toContain("0123456789x");
  expect(aDocument().apply(under(HOSTILE, more)).type).toBe("broken");
});

test("an item between neighbours that others have parted since is taken", () => {
  const live = aDocument();
  expect(live.apply(under(HOSTILE, say("x", { origin: at(2), rightOrigin: at(3) }))).type).toBe("changed");
  expect(live.apply(under(HOSTILE + 1, say("y", { origin: at(2), rightOrigin: at(3) }))).type).toBe("changed");
  expect(live.apply(under(HOSTILE - 1, say("z", { origin: at(2), rightOrigin: at(3) }))).type).toBe("changed");
  expect(live.doc.getText("draft").toJSON()).toBe("012zxy3456789");
});

const anEdit = fc.record({
  device: fc.nat(2),
  /** 0–4 writes, 5 deletes, 6 sets a key, 7 hears of the server, 8 of another device's words that reached it */
  what: fc.nat(8),
  at: fc.nat(40),
  text: fc.string({ minLength: 1, maxLength: 3 }),
});

test("any history of concurrent edits is possible, in whatever pieces it arrives", () => {
  fc.assert(
    fc.property(fc.array(anEdit, { minLength: 5, maxLength: 60 }), (edits) => {
      const live = createLiveDocument(1, []);
      if (live === undefined) throw new Error("an empty document is whole");
      const devices = [0, 1, 2].map((index) => Object.assign(new Y.Doc(), { clientID: 100 + index }));
      const exchange = (doc: Y.Doc): void => {
        const applied = live.apply(Y.encodeStateAsUpdate(doc, live.stateVector()));
        expect(applied.type === "broken" ? applied.error : undefined).toBeUndefined();
        Y.applyUpdate(doc, live.since(Y.encodeStateVector(doc)));
      };
      for (const { device, what, at: place, text } of edits) {
        const doc = devices[device] as Y.Doc;
        const draft = doc.getText("draft");
        if (what <= 4) draft.insert(place % (draft.length + 1), text);
        else if (what === 5 && draft.length > 0) draft.delete(place % draft.length, 1);
        else if (what === 6) doc.getMap("meta").set(`k${place % 3}`, text);
        else exchange(doc);
      }
      for (const doc of [...devices, ...devices]) exchange(doc);
      for (const doc of devices) expect(doc.getText("draft").toJSON()).toBe(live.doc.getText("draft").toJSON());
    }),
    { numRuns: 200 },
  );
});

/** Many items that all look at everything there is: Yjs takes time in the square of their number. */
const entangled = (count: number): Uint8Array =>
  encodeUpdate({
    sections: [
      { client: HOSTILE, clock: 0, structs: Array.from({ length: count }, (_, i) => say("x", { rightOrigin: at(i) })) },
      { client: VICTIM, clock: 0, structs: [say("y".repeat(count))] },
    ],
    deletes: [],
  });
/** Each deleted character moves all structs after it. */
const scattered = (count: number): Uint8Array =>
  encodeUpdate({
    sections: [{ client: VICTIM, clock: 0, structs: [say("y".repeat(2 * count))] }],
    deletes: [
      { client: VICTIM, ranges: Array.from({ length: count }, (_, i) => ({ clock: 2 * (count - 1 - i), length: 1 })) },
    ],
  });

test.each([
  ["20,000 items that look at each other", entangled(20_000)],
  ["20,000 deleted characters from the end", scattered(20_000)],
])("R14: %s break off once their time is used up", (_, update) => {
  // A clock that runs by looks, so that the machine's speed decides nothing.
  let looks = 0;
  const live = createLiveDocument(1, [], () => (looks += UPDATE_LIMITS.integrationMs / 50));
  expect(live?.apply(update)).toMatchObject({ type: "broken" });
  expect(looks).toBeLessThan(UPDATE_LIMITS.integrationMs * 2);
});
