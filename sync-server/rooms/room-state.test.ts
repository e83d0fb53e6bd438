import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { openConversation } from "#shared/documents/conversation.ts";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import type { ClientFrame } from "#shared/protocol/sync-frames.ts";
import { aDevice, aRoom, logOf, textOf, types } from "#tests/support/driven-room.ts";
import { foldLog } from "./compaction.ts";
import type { DocumentView } from "./document-kinds.ts";
import { UNCLAIMED } from "./room-events.ts";
import type { RoomEvent } from "./room-events.ts";
import { IDLE_MS } from "./room-state.ts";
import { CLOSE_BYTES, FULL_BYTES, STUCK_MS } from "./slow-socket-state.ts";

const say = (client: number, clock: number, state: string): ClientFrame => {
  const json = new TextEncoder().encode(state);
  return { type: "awareness", update: new Uint8Array([1, client, clock, json.length, ...json]) };
};
const draftOf = (view: DocumentView): string =>
  view.kind === "conversation" ? view.conversation.draft.toJSON() : view.kind;
const rename = (view: DocumentView, title: string): void => {
  if (view.kind === "conversation") view.conversation.rename(title);
};
const bytesOf = (update: Uint8Array): string => Buffer.from(update).toString("latin1");

/** A writer, and a reader whose transport is full. */
function aSlowReader() {
  const room = aRoom();
  const writer = room.joinLive();
  const slow = room.joinLive();
  const device = aDevice(9);
  const write = (text: string): void => {
    room.receive(writer, device.write(text));
    room.handle({ type: "committed" });
  };
  write("seen ");
  room.buffered.set(slow, FULL_BYTES + 1);
  return { room, slow, write };
}

test("R12: whoever asks again and again for a long document gets 8 MB a second", () => {
  const room = aRoom();
  const session = room.joinLive();
  const ask = (): void => void room.receive(session, { type: "step1", stateVector: new Uint8Array([0]) });
  const answers = (): number => room.sent(session).filter(({ type }) => type === "step2").length;
  room.receive(session, aDevice(9).write("x".repeat(4_000_000)));
  room.handle({ type: "committed" });
  room.forget();
  for (let i = 0; i < 3_000; i++) ask();
  expect(answers()).toBe(1);
  room.pass(400);
  ask();
  expect(answers()).toBe(1);
  room.pass(500);
  expect(answers()).toBe(2);
  room.pass(5_000);
  expect(answers()).toBe(2);
});

test("R12: questions that are answered with nothing cost as much", () => {
  const room = aRoom();
  const session = room.joinLive();
  const device = aDevice(9);
  room.receive(session, device.write("x".repeat(4_000_000)));
  room.handle({ type: "committed" });
  room.forget();
  for (let i = 0; i < 3_000; i++)
    room.receive(session, { type: "step1", stateVector: Y.encodeStateVector(device.doc) });
  expect(room.sent(session).filter(({ type }) => type === "step2")).toHaveLength(1);
});

test("R12: an answer that is not long does not wait", () => {
  const room = aRoom();
  const session = room.joinLive();
  room.receive(session, aDevice(9).write("x".repeat(100_000)));
  room.handle({ type: "committed" });
  room.forget();
  for (let i = 0; i < 3; i++) room.receive(session, { type: "step1", stateVector: new Uint8Array([0]) });
  expect(types(room.sent(session)).filter((type) => type === "step2")).toHaveLength(3);
});

test("R5: an update that changes nothing is acknowledged without a row", () => {
  const room = aRoom();
  const session = room.joinLive();
  const update = aDevice(9).write("once");
  room.receive(session, update);
  room.handle({ type: "committed" });
  room.receive(session, update);
  expect(room.commits()).toHaveLength(1);
  expect(room.sent(session).filter((frame) => frame.type === "ack")).toEqual([
    { type: "ack", frames: 1, headSeq: 1 },
    { type: "ack", frames: 2, headSeq: 1 },
  ]);
});

describe("R6: before the commit is durable", () => {
  test("neither broadcast, acknowledgement, SyncStep2, SyncStep1 nor digest shows the change", () => {
    const room = aRoom();
    const [one, two] = [room.joinLive(), room.joinLive()];
    room.forget();
    room.receive(one, aDevice(9).write("secret until stored"));
    const late = room.joinLive();
    room.receive(two, { type: "step1", stateVector: new Uint8Array([0]) });
    room.pass(10_000);
    expect(room.all.filter((effect) => effect.type === "send")).toEqual([]);

    room.handle({ type: "committed" });
    expect(types(room.sent(one))).toEqual(["ack"]);
    expect(types(room.sent(two))).toContain("update");
    expect(types(room.sent(late))).toEqual(["hello", "step1", "step2", "digest"]);
  });

  test("a look waits, and what arrives meanwhile forms the next commit together", () => {
    const room = aRoom();
    const session = room.joinLive();
    const device = aDevice(9);
    const seen: string[] = [];
    room.receive(session, device.write("a"));
    room.receive(session, device.write("b"));
    room.receive(session, device.write("c"));
    room.handle({
      type: "look",
      look: (stored) => seen.push(typeof stored === "string" ? stored : draftOf(stored)),
    });
    expect(seen).toEqual([]);
    room.handle({ type: "committed" });
    expect(seen).toEqual(["a"]);
    expect(room.commits().map((batch) => batch.rows.map((row) => row.seq))).toEqual([[1], [2]]);
    expect(room.commits()[1]).toMatchObject({ expectedHead: 1, headSeq: 2, claim: false, clients: [] });
  });

  test("what one session sent in a row becomes one row, and is acknowledged frame by frame; each author has rows of its own", () => {
    const room = aRoom();
    const [one, other] = [room.joinLive(), room.joinLive()];
    const [device, guest] = [aDevice(9), aDevice(10)];
    room.receive(one, device.write("a"));
    for (const text of ["b", "c"]) room.receive(one, device.write(text));
    room.receive(other, guest.write("!"));
    room.receive(one, device.write("d"));
    room.handle({ type: "committed" });
    room.handle({ type: "committed" });
    expect(
      room
        .commits()
        .at(-1)
        ?.rows.map((row) => row.seq),
    ).toEqual([2, 3, 4]);
    expect(room.sent(one).filter(({ type }) => type === "ack")).toEqual([
      { type: "ack", frames: 1, headSeq: 1 },
      { type: "ack", frames: 4, headSeq: 4 },
    ]);
    expect(room.sent(other).filter(({ type }) => type === "update")).toHaveLength(3);
  });

  test("a frame of a run that is refused is named, and the others of the run are taken", () => {
    const room = aRoom();
    const session = room.joinLive();
    const device = aDevice(9);
    room.receive(session, device.write("a"));
    const [lost, late] = [device.write("b"), device.write("c")];
    const again = device.all();
    for (const frame of [late, again, lost]) room.receive(session, frame);
    room.handle({ type: "committed" });
    room.handle({ type: "committed" });
    expect(room.commits()).toHaveLength(2);
    expect(room.sent(session).filter(({ type }) => type === "nack" || type === "ack")).toEqual([
      { type: "ack", frames: 1, headSeq: 1 },
      { type: "nack", frame: 2, code: "gap" },
      { type: "ack", frames: 4, headSeq: 2 },
    ]);
  });
});

const A_READER = { mayWrite: false, mayClaim: false };

test("R7: frames of a reader are dropped, counted and nacked; the document is untouched", () => {
  const room = aRoom({ ...UNCLAIMED, exists: true });
  const session = room.joinLive(A_READER);
  const device = aDevice(9);
  room.receive(session, device.write("no"));
  room.receive(session, { type: "step2", update: Y.encodeStateAsUpdate(device.doc) });
  expect(room.commits()).toEqual([]);
  expect(room.sent(session).slice(-4)).toEqual([
    { type: "nack", frame: 1, code: "denied" },
    { type: "ack", frames: 1, headSeq: 0 },
    { type: "nack", frame: 2, code: "denied" },
    { type: "ack", frames: 2, headSeq: 0 },
  ]);
  expect(room.all.filter((effect) => effect.type === "noticed")).toHaveLength(2);
  expect(types(room.sent(session))).not.toContain("step1");
});

test("R8: a failed commit acknowledges nothing, closes everybody 4503, and rebuilds from the log", () => {
  const room = aRoom();
  const [one, two] = [room.joinLive(), room.joinLive()];
  room.receive(one, aDevice(9).write("lost"));
  room.handle({ type: "edit", edit: 1, kind: "conversation", change: (view) => rename(view, "waits") });
  room.forget();
  const effects = room.handle({ type: "commit-failed", failure: "unavailable" });
  expect([room.closes(one), room.closes(two)]).toEqual([[CloseCode.unavailable], [CloseCode.unavailable]]);
  expect(effects.at(-1)).toEqual({ type: "load" });
  expect(room.has("send")).toBe(false);
  room.handle({ type: "loaded", log: UNCLAIMED });
  expect(room.room.liveDoc()?.getText("draft").toJSON()).toBe("");
  expect(room.all).toContainEqual({ type: "settled", edit: 1, outcome: { ok: false, failure: "unknown" } });
});

describe("R9: acknowledgements", () => {
  test("a nack precedes the ack that passes it, and the ack waits for the frames before", () => {
    const room = aRoom();
    const session = room.joinLive();
    const device = aDevice(9);
    const first = device.write("a");
    device.write("never sent");
    const third = device.write("c");
    room.receive(session, first);
    room.receive(session, third);
    expect(types(room.sent(session))).not.toContain("ack");
    room.handle({ type: "committed" });
    expect(room.sent(session).slice(-4)).toMatchObject([
      { type: "ack", frames: 1, headSeq: 1 },
      { type: "nack", frame: 2, code: "gap" },
      { type: "ack", frames: 2, headSeq: 1 },
      { type: "step1" },
    ]);
  });
});

test("R10: a stock session gets its own update back, and never a frame of ours", () => {
  const room = aRoom();
  const [stock, extended] = [room.joinLive({ extended: false }), room.joinLive()];
  room.receive(stock, aDevice(9).write("hi"));
  room.handle({ type: "committed" });
  expect(types(room.sent(stock))).toEqual(["step1", "step2", "update"]);
  room.receive(extended, aDevice(10).write("ho"));
  room.handle({ type: "committed" });
  expect(types(room.sent(extended)).filter((type) => type === "update")).toHaveLength(1);
  room.pass(10_000);
  expect(types(room.sent(stock)).every((type) => ["step1", "step2", "update"].includes(type))).toBe(true);
});

test("R11: a SyncStep2 goes to the session that asked and to no other", () => {
  const room = aRoom();
  const [one, two] = [room.join(), room.join()];
  room.receive(one, { type: "step1", stateVector: new Uint8Array([0]) });
  expect(types(room.sent(one))).toContain("step2");
  expect(types(room.sent(two))).not.toContain("step2");
});

describe("R12: a slow transport", () => {
  test("gets no live frames, and one merged catch-up once it drained", () => {
    const { room, slow, write } = aSlowReader();
    const updates = (): Uint8Array[] =>
      room.sent(slow).flatMap((frame) => (frame.type === "update" ? [frame.update] : []));
    write("missed ");
    write("too");
    expect(updates()).toHaveLength(1);
    room.buffered.set(slow, 0);
    room.handle({ type: "drained", session: slow });
    expect(updates()).toHaveLength(2);
    expect(textOf(updates())).toBe("seen missed too");
  });

  test("is closed 1013 over 8 MiB, and after 15 s without progress", () => {
    const big = aSlowReader();
    big.room.buffered.set(big.slow, CLOSE_BYTES + 1);
    big.room.pass(1);
    expect(big.room.closes(big.slow)).toEqual([1013]);
    const stuck = aSlowReader();
    stuck.room.pass(1);
    stuck.room.pass(STUCK_MS - 1);
    expect(stuck.room.closes(stuck.slow)).toEqual([]);
    stuck.room.pass(1);
    expect(stuck.room.closes(stuck.slow)).toEqual([1013]);
  });
});

test("R13: presence is echoed, belongs to its connection, and leaves with it", () => {
  const room = aRoom();
  const [one, two] = [room.joinLive(), room.joinLive()];
  room.receive(one, say(7, 1, '"here"'));
  expect([types(room.sent(one)).at(-1), types(room.sent(two)).at(-1)]).toEqual(["awareness", "awareness"]);
  room.forget();
  room.receive(two, say(7, 9, '"spoofed"'));
  expect(room.all).toEqual([]);
  room.handle({ type: "left", session: one });
  expect(room.sent(two)).toEqual([say(7, 1, "null")]);
});

test("R13: query-awareness is answered where nobody is present too, and only to the one who asked", () => {
  const room = aRoom();
  const [one, two] = [room.joinLive(), room.joinLive()];
  room.forget();
  room.receive(one, { type: "query-awareness" });
  expect(room.sent(one)).toEqual([{ type: "awareness", update: new Uint8Array([0]) }]);
  expect(room.sent(two)).toEqual([]);
});

test("R19: word that the feed moved goes to extended sockets that flow", () => {
  const room = aRoom();
  const [one, stock, slow] = [room.joinLive(), room.joinLive({ extended: false }), room.joinLive()];
  room.buffered.set(slow, FULL_BYTES + 1);
  room.forget();
  room.handle({ type: "feed-moved" });
  expect([room.sent(one), room.sent(stock), room.sent(slow)]).toEqual([[{ type: "feed" }], [], []]);
});

describe("R15: names", () => {
  test("a document of another account closes everybody 4404", () => {
    const room = aRoom(UNCLAIMED, { load: false });
    const session = room.join();
    room.handle({ type: "load-failed", failure: "unknown" });
    expect(room.closes(session)).toEqual([CloseCode.gone]);
    expect(room.sent(session)).toEqual([]);
    expect(room.all.at(-1)).toEqual({ type: "evict" });
  });
  test("an old epoch closes 4410 and takes nothing", () => {
    const room = aRoom({ ...UNCLAIMED, exists: true, epoch: 2 }, { load: true });
    const session = room.join({ epoch: 1 });
    room.receive(session, aDevice(9).write("stranded"));
    expect(room.closes(session)).toEqual([CloseCode.oldEpoch]);
    expect(room.commits()).toEqual([]);
  });
});

test("R16: a room nobody uses is evicted after its last summary was stored, not while somebody waits", () => {
  const room = aRoom();
  const session = room.joinLive();
  const device = aDevice(9);
  room.receive(session, device.write("x".repeat(100)));
  room.handle({ type: "committed" });
  // The excerpt is full, so this changes the activity only: the feed hears of it later.
  room.receive(session, device.write("y"));
  room.handle({ type: "committed" });
  room.handle({ type: "left", session });
  expect(room.commits().map((batch) => batch.summary !== undefined)).toEqual([true, false]);
  room.pass(500);
  expect(room.commits().at(-1)).toMatchObject({ rows: [], expectedHead: 2, headSeq: 2 });
  room.handle({ type: "committed" });
  room.handle({ type: "pin" });
  room.pass(2 * IDLE_MS);
  expect(room.has("evict")).toBe(false);
  room.handle({ type: "unpin" });
  room.pass(IDLE_MS);
  room.handle({ type: "loaded", log: logOf(room.commits()) });
  room.pass(0);
  expect(room.has("evict")).toBe(true);
});

describe("R17: compaction", () => {
  test("is asked for once the tail is long, and not twice at a time", () => {
    const room = aRoom();
    const session = room.joinLive();
    room.receive(session, aDevice(9).write("x".repeat(17_000)));
    room.handle({ type: "committed" });
    room.pass(500);
    room.pass(500);
    expect(room.all.filter((effect) => effect.type === "compact")).toEqual([{ type: "compact" }]);
    room.handle({ type: "compacted", through: 1, bytes: 17_000 });
    room.pass(500);
    expect(room.all.filter((effect) => effect.type === "compact")).toHaveLength(1);
  });

  test("the fold holds no deleted text and reads back as the same document", () => {
    const device = aDevice(9);
    const log: Uint8Array[] = [];
    device.doc.on("update", (update: Uint8Array) => log.push(update));
    device.write("a private remark");
    openConversation(device.doc, "device").setDraft("public");
    expect(bytesOf(Y.mergeUpdates(log))).toContain("private remark");
    const folded = foldLog(log);
    expect(folded.ok && bytesOf(folded.value)).not.toContain("private remark");
    expect(folded.ok && textOf([folded.value])).toBe("public");
    expect(foldLog(log.slice(1))).toEqual({ ok: false, failure: "not-whole" });
  });

  test("a SyncStep2 holds no text that was deleted before", () => {
    const room = aRoom();
    const session = room.joinLive();
    const device = aDevice(9);
    room.receive(session, device.write("a private remark"));
    room.handle({ type: "committed" });
    const before = Y.encodeStateVector(device.doc);
    device.doc.getText("draft").delete(0, 16);
    room.receive(session, { type: "update", update: Y.encodeStateAsUpdate(device.doc, before) });
    room.handle({ type: "committed" });
    const step2 = room.sent(room.joinLive()).find((frame) => frame.type === "step2");
    expect(step2 && Buffer.from(step2.update).toString("latin1")).not.toContain("remark");
  });
});

describe("R18: claims", () => {
  test("reading claims nothing; the first write does, once", () => {
    const room = aRoom();
    const session = room.joinLive();
    room.pass(10_000);
    expect(room.commits()).toEqual([]);
    const device = aDevice(9);
    room.receive(session, device.write("mine"));
    room.handle({ type: "committed" });
    room.receive(session, device.write(" again"));
    expect(room.commits().map((batch) => batch.claim)).toEqual([true, false]);
    expect(room.commits()[0]).toMatchObject({ clients: [[9, "account:ann"]], expectedHead: 0, headSeq: 1 });
  });
  test("R15: who could not begin it finds none where nobody wrote one, as where it is somebody else's", () => {
    const ends = (
      [
        ["loaded", { log: UNCLAIMED }],
        ["load-failed", { failure: "unknown" }],
      ] as const
    ).map(([type, what]) => {
      const room = aRoom(UNCLAIMED, { load: false });
      const session = room.joinLive(A_READER);
      room.receive(session, aDevice(9).write("no"));
      room.handle({ type, ...what } as RoomEvent);
      expect([room.sent(session), room.closes(session)]).toEqual([[], [CloseCode.gone]]);
      return room.all;
    });
    expect(ends[0]).toEqual(ends[1]);
    expect(ends[0]?.at(-1)).toEqual({ type: "evict" });
  });
  test("R15: also while another device of theirs is about to begin it, which goes on", () => {
    const room = aRoom();
    const writer = room.joinLive();
    const reader = room.joinLive(A_READER);
    expect([room.sent(reader), room.closes(reader)]).toEqual([[], [CloseCode.gone]]);
    room.receive(writer, aDevice(9).write("mine"));
    room.handle({ type: "committed" });
    expect(room.sent(writer).at(-1)).toMatchObject({ type: "ack", frames: 1 });
    expect(types(room.sent(room.joinLive(A_READER)))).toEqual(["hello", "step2", "digest"]);
  });
  test("who loses the race is told that there is nothing", () => {
    const room = aRoom();
    const session = room.joinLive();
    room.receive(session, aDevice(9).write("late"));
    room.handle({ type: "commit-failed", failure: "conflict" });
    expect(room.closes(session)).toEqual([]);
    room.handle({ type: "load-failed", failure: "unknown" });
    expect(room.closes(session)).toEqual([CloseCode.gone]);
  });
});

test("R14: a log that does not read back is not served", () => {
  const device = aDevice(9);
  device.write("a");
  const second = device.write("b");
  const room = aRoom(UNCLAIMED, { load: false });
  const session = room.join();
  const tail = second.type === "update" ? [second.update] : [];
  room.handle({ type: "loaded", log: { ...UNCLAIMED, exists: true, headSeq: 1, tail } });
  expect(room.closes(session)).toEqual([CloseCode.unavailable]);
  expect(room.all).toContainEqual({ type: "noticed", what: "broken-log", session: undefined });
});

test("R14: a change that throws half-way leaves nothing: the copy is rebuilt, and others go on", () => {
  const room = aRoom();
  const session = room.joinLive();
  const update = aDevice(9).write("kept");
  room.receive(session, update);
  room.handle({ type: "committed" });
  const error = new Error("half-way");
  room.handle({
    type: "edit",
    edit: 1,
    kind: "conversation",
    change(view) {
      rename(view, "half");
      throw error;
    },
  });
  expect(room.all.slice(-2)).toEqual([
    { type: "settled", edit: 1, outcome: { ok: false, failure: "threw", error } },
    { type: "load" },
  ]);
  const tail = update.type === "update" ? [update.update] : [];
  room.handle({ type: "loaded", log: { ...UNCLAIMED, exists: true, headSeq: 1, tail, clients: [[9, "account:ann"]] } });
  expect(room.room.liveDoc()?.getMap("meta").size).toBe(0);
  expect(room.room.liveDoc()?.getText("draft").toJSON()).toBe("kept");
  expect(room.closes(session)).toEqual([]);
});

test("a peer that ignores the pause and floods the room is closed 1013", () => {
  const room = aRoom();
  const session = room.joinLive();
  room.receive(session, aDevice(9).write("in flight"));
  const big: ClientFrame = { type: "update", update: new Uint8Array(3_000_000) };
  room.receive(session, big);
  expect(room.all.at(-1)).toEqual({ type: "pause", session });
  for (let i = 0; i < 5; i++) room.receive(session, big);
  expect(room.closes(session)).toEqual([CloseCode.tryAgainLater]);
});

test("closing commits what was taken and tells everybody to come back", () => {
  const room = aRoom();
  const session = room.joinLive();
  room.receive(session, aDevice(9).write("kept"));
  room.handle({ type: "closing" });
  expect(room.closes(session)).toEqual([]);
  room.handle({ type: "committed" });
  expect(room.sent(session).at(-1)).toEqual({ type: "ack", frames: 1, headSeq: 1 });
  expect(room.closes(session)).toEqual([CloseCode.unavailable]);
  expect(room.all.at(-1)).toEqual({ type: "evict" });
});

test("closing gives up at the first commit that fails: a store that takes nothing would keep the process for ever", () => {
  const room = aRoom();
  const session = room.joinLive();
  room.receive(session, aDevice(9).write("lost"));
  room.handle({ type: "edit", edit: 1, kind: "conversation", change: (view) => rename(view, "waits") });
  room.handle({ type: "closing" });
  room.forget();
  room.handle({ type: "commit-failed", failure: "unavailable" });
  expect(room.closes(session)).toEqual([CloseCode.unavailable]);
  expect(room.all).toContainEqual({ type: "settled", edit: 1, outcome: { ok: false, failure: "unavailable" } });
  expect([room.has("load"), room.has("commit")]).toEqual([false, false]);
  expect(room.all.at(-1)).toEqual({ type: "evict" });
});
