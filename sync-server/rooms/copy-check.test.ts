import { describe, expect, test } from "vitest";
import type * as Y from "yjs";
import { contentDigest } from "#shared/documents/canonical-content.ts";
import type { ServerFrame } from "#shared/protocol/sync-frames.ts";
import { aDevice, aRoom, logOf, textOf } from "#tests/support/driven-room.ts";
import { DIGEST_MS } from "./room-sessions.ts";
import { IDLE_MS } from "./room-state.ts";

const hashOf = (frame: ServerFrame | undefined): Uint8Array | undefined =>
  frame?.type === "digest" ? frame.hash : undefined;
const digests = (frames: ServerFrame[]) => frames.filter(({ type }) => type === "digest");

/** A stored draft, with two people who have it. */
function aStoredDraft() {
  const room = aRoom();
  const [ann, ben] = [room.joinLive(), room.joinLive()];
  const device = aDevice(9);
  room.receive(ann, device.write("mine"));
  room.handle({ type: "committed" });
  const first = room.commits();
  const log = logOf(first);
  room.forget();
  return { room, ann, ben, device, log, stored: () => logOf([...first, ...room.commits()]) };
}
/** A flipped bit. */
function rot(room: ReturnType<typeof aRoom>): void {
  const [struct] = room.room.liveDoc()?.store.clients.get(9) ?? [];
  ((struct as Y.Item).content as Y.ContentString).str = "m#ne";
}
const notices = (room: ReturnType<typeof aRoom>): string[] =>
  room.all.flatMap((effect) => (effect.type === "noticed" ? [effect.what] : []));

describe("R20: copies are compared", () => {
  test("the digest of a head is shown again after five minutes, also where nobody writes", () => {
    const { room, ann, log } = aStoredDraft();
    room.pass(DIGEST_MS);
    room.handle({ type: "loaded", log });
    room.pass(5_000);
    expect(digests(room.sent(ann))).toHaveLength(1);
    room.pass(DIGEST_MS / 2);
    expect(digests(room.sent(ann))).toHaveLength(1);
    room.pass(DIGEST_MS / 2);
    expect(digests(room.sent(ann))).toHaveLength(2);
  });

  test("a client that differs has the live copy held against the log, and is answered from there", () => {
    const { room, ann, device, log } = aStoredDraft();
    room.pass(5_000);
    room.forget();
    room.receive(ann, { type: "digest", seq: 1, hash: new Uint8Array(32) });
    room.receive(ann, { type: "step1", stateVector: new Uint8Array([0]) });
    expect(room.has("load")).toBe(true);
    expect(room.sent(ann)).toEqual([]);
    room.handle({ type: "loaded", log });
    const [answer] = room.sent(ann);
    expect(answer?.type === "step2" && textOf([answer.update])).toBe("mine");
    expect(notices(room)).toEqual(["diverged"]);
    expect(device.doc.getText("draft").toJSON()).toBe("mine");
  });

  test("a live copy that is not what its log says is rebuilt, counted, and everybody gets the new digest", () => {
    const { room, ann, ben, device, log } = aStoredDraft();
    rot(room);
    room.pass(5_000);
    const wrong = hashOf(digests(room.sent(ben))[0]);
    const right = new Uint8Array(contentDigest(device.doc));
    expect(wrong).not.toEqual(right);
    room.receive(ann, { type: "digest", seq: 1, hash: contentDigest(device.doc) });
    room.handle({ type: "loaded", log });
    // Nobody wrote meanwhile: there is nothing to wait for.
    room.pass(500);
    expect(notices(room)).toEqual(["diverged", "live-copy-wrong"]);
    expect(hashOf(digests(room.sent(ben)).at(-1))).toEqual(right);
    expect(room.room.liveDoc()?.getText("draft").toJSON()).toBe("mine");
  });

  test("what clients were sent is held against the log when digests are shown anew, since they may all be wrong alike", () => {
    const { room, ann, ben, device, log } = aStoredDraft();
    rot(room);
    for (const session of [ann, ben]) room.handle({ type: "left", session });
    const late = room.joinLive();
    const answer = room.sent(late).find(({ type }) => type === "step2");
    expect(answer?.type === "step2" && textOf([answer.update])).toBe("m#ne");
    room.pass(DIGEST_MS);
    room.handle({ type: "loaded", log });
    room.pass(5_000);
    expect(notices(room)).toEqual(["live-copy-wrong"]);
    expect(hashOf(digests(room.sent(late)).at(-1))).toEqual(new Uint8Array(contentDigest(device.doc)));
    // Nobody was sent anything since.
    room.pass(DIGEST_MS);
    expect(room.all.filter(({ type }) => type === "load")).toHaveLength(1);
  });

  test("a summary is held against the log once everybody left, and made anew where it is wrong", () => {
    const { room, ann, ben, device, stored } = aStoredDraft();
    rot(room);
    room.pass(1_000);
    room.receive(ann, device.write(" too"));
    room.handle({ type: "committed" });
    expect(stored().summary).toContain("m#ne too");
    for (const session of [ann, ben]) room.handle({ type: "left", session });
    expect([room.room.isIdle(), room.room.isDone()]).toEqual([true, false]);
    room.pass(5_000);
    room.handle({ type: "loaded", log: stored() });
    room.pass(0);
    expect(room.commits().at(-1)).toMatchObject({ rows: [], headSeq: 2 });
    expect(stored().summary).toContain("mine too");
    room.handle({ type: "committed" });
    // That one is as little trusted as the one before.
    room.pass(5_000);
    room.handle({ type: "loaded", log: stored() });
    expect(room.room.isDone()).toBe(true);
    room.pass(IDLE_MS);
    expect(room.has("evict")).toBe(true);
  });

  test("whoever claims to differ again and again has the log replayed once in ten seconds", () => {
    const { room, ann, log } = aStoredDraft();
    room.pass(5_000);
    for (let i = 0; i < 5; i++) {
      room.receive(ann, { type: "digest", seq: 1, hash: new Uint8Array(32) });
      room.handle({ type: "loaded", log });
      room.handle({ type: "tick" });
    }
    expect(room.all.filter(({ type }) => type === "load")).toHaveLength(1);
    expect(notices(room)).toEqual(["diverged"]);
    room.pass(10_000);
    room.receive(ann, { type: "digest", seq: 1, hash: new Uint8Array(32) });
    expect(room.all.filter(({ type }) => type === "load")).toHaveLength(2);
  });

  test("a digest that nobody was shown costs nothing", () => {
    const { room, ann } = aStoredDraft();
    const { liveDoc } = room.room;
    let looks = 0;
    const doc = liveDoc()!;
    const share = doc.share.get.bind(doc.share);
    doc.share.get = (key) => ((looks += 1), share(key));
    for (let i = 0; i < 1_000; i++) room.receive(ann, { type: "digest", seq: 1, hash: new Uint8Array(32) });
    expect(looks).toBe(0);
    expect(room.has("load")).toBe(false);
  });

  test("a digest of another head, of the same content, or of a stock client says nothing", () => {
    const { room, ann, device } = aStoredDraft();
    room.pass(5_000);
    const stock = room.joinLive({ extended: false });
    room.receive(ann, { type: "digest", seq: 0, hash: new Uint8Array(32) });
    room.receive(ann, { type: "digest", seq: 1, hash: contentDigest(device.doc) });
    room.receive(stock, { type: "digest", seq: 1, hash: new Uint8Array(32) });
    expect(room.has("load")).toBe(false);
    expect(notices(room)).toEqual([]);
  });
});

test("R16, R20: that the feed moved is no use of a document", () => {
  const room = aRoom();
  const session = room.joinLive();
  room.receive(session, aDevice(9).write("mine"));
  room.handle({ type: "committed" });
  room.handle({ type: "left", session });
  const log = logOf(room.commits());
  for (let second = 0; second < 70; second++) {
    room.pass(1_000);
    room.handle({ type: "feed-moved" });
    if (room.has("load")) room.handle({ type: "loaded", log });
  }
  expect(room.has("evict")).toBe(true);
});
