import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { contentDigest } from "#shared/documents/canonical-content.ts";
import { encodeFrame, parseFrame } from "#shared/protocol/sync-frames.ts";
import type { ServerFrame } from "#shared/protocol/sync-frames.ts";
import { createEngine } from "./engine-state.ts";
import type { EngineEffect, EngineInput } from "./engine-events.ts";

const FROM_SERVER = "server";

/** An engine in the hands of a test, with what it sent as frames. */
function aClient(random = 0.5) {
  const doc = new Y.Doc();
  const engine = createEngine({ doc, remoteOrigin: FROM_SERVER, random: () => random, digest: () => contentDigest });
  let now = 0;
  let token = 0;
  let effects: EngineEffect[] = [];
  const handle = (input: EngineInput): void => {
    effects.push(...engine.handle(now, input));
  };
  doc.on("update", (update: Uint8Array, origin: unknown) => {
    if (origin !== FROM_SERVER) handle({ type: "local", token: (token += 1), update });
  });
  const client = {
    doc,
    view: () => engine.view(),
    handle,
    at: (time: number) => void (now = time),
    now: () => now,
    server: (frame: ServerFrame) => handle({ type: "received", message: encodeFrame(frame) }),
    /** the effects since the last call */
    effects(): EngineEffect[] {
      const taken = effects;
      effects = [];
      return taken;
    },
    sent: () => client.effects().flatMap((effect) => (effect.type === "send" ? [frameOf(effect.message)] : [])),
    type: (text: string) => doc.getText("draft").insert(doc.getText("draft").length, text),
    /** Connects up to and with the answer to the server's SyncStep1. */
    connect(maxFrameBytes = 1_000_000) {
      handle({ type: "start" });
      handle({ type: "opened" });
      client.server({ type: "hello", epoch: 0, headSeq: 0, mayWrite: true, maxFrameBytes });
      client.server({ type: "step1", stateVector: Y.encodeStateVector(new Y.Doc()) });
      client.server({ type: "step2", update: Y.encodeStateAsUpdate(new Y.Doc()) });
    },
  };
  return client;
}

function frameOf(message: Uint8Array): ServerFrame {
  const frame = parseFrame(message);
  if (!frame.ok) throw new Error(frame.failure);
  return frame.value;
}

const textAt = (frames: readonly ServerFrame[]): string => {
  const doc = new Y.Doc();
  for (const frame of frames) if (frame.type === "step2" || frame.type === "update") Y.applyUpdate(doc, frame.update);
  return doc.getText("draft").toJSON();
};

test("C1: an edit is pending from the moment it is made until the ack that covers its frame", () => {
  const client = aClient();
  client.connect();
  client.server({ type: "ack", frames: 1, headSeq: 0 });
  client.type("a");
  client.type("b");
  expect(client.view().pending).toBe(true);
  client.effects();
  client.server({ type: "ack", frames: 2, headSeq: 1 });
  expect(client.effects()).toEqual([{ type: "settled", through: 1, headSeq: 1 }]);
  expect(client.view().pending).toBe(true);
  client.server({ type: "ack", frames: 3, headSeq: 2 });
  expect(client.effects()).toEqual([{ type: "settled", through: 2, headSeq: 2 }]);
  expect(client.view().pending).toBe(false);
});

test("C2, C3: edits made before the server's SyncStep1 wait for it and go out in one SyncStep2", () => {
  const client = aClient();
  client.type("one ");
  client.handle({ type: "start" });
  client.handle({ type: "opened" });
  client.type("two");
  expect(client.sent().map((frame) => frame.type)).toEqual(["step1"]);
  client.server({ type: "step1", stateVector: Y.encodeStateVector(new Y.Doc()) });
  client.type(" three");
  const sent = client.sent();
  expect(sent.map((frame) => frame.type)).toEqual(["step2", "update"]);
  expect(textAt(sent)).toBe("one two three");
  client.server({ type: "ack", frames: 1, headSeq: 1 });
  expect(client.effects()).toEqual([{ type: "settled", through: 2, headSeq: 1 }]);
});

test("C1: edits of an earlier session are settled by the ack of the whole state", () => {
  const client = aClient();
  client.handle({ type: "local", token: 7, update: undefined });
  client.connect();
  expect(client.view().pending).toBe(true);
  client.server({ type: "ack", frames: 1, headSeq: 3 });
  expect(client.view().pending).toBe(false);
});

test("C4: frames without an ack are pending again after the connection is lost, and their late ack counts for nothing", () => {
  const client = aClient();
  client.connect();
  client.type("x");
  client.handle({ type: "closed", code: 1006 });
  expect(client.view()).toMatchObject({ connection: "waiting", pending: true });
  client.server({ type: "ack", frames: 2, headSeq: 2 });
  expect(client.view().pending).toBe(true);
  client.at(client.view().timerAt ?? 0);
  client.handle({ type: "tick" });
  client.handle({ type: "opened" });
  client.effects();
  client.server({ type: "step1", stateVector: Y.encodeStateVector(new Y.Doc()) });
  expect(textAt(client.sent())).toBe("x");
  client.server({ type: "ack", frames: 1, headSeq: 1 });
  expect(client.view().pending).toBe(false);
});

describe("C5: a nacked frame settles nothing", () => {
  test("after `gap` everything waits for the server's next SyncStep1 and goes out whole", () => {
    const client = aClient();
    client.connect();
    client.type("a");
    client.server({ type: "nack", frame: 2, code: "gap" });
    client.type("b");
    client.server({ type: "ack", frames: 2, headSeq: 0 });
    expect(client.view().pending).toBe(true);
    client.effects();
    client.server({ type: "step1", stateVector: Y.encodeStateVector(new Y.Doc()) });
    expect(textAt(client.sent())).toBe("ab");
    client.server({ type: "ack", frames: 3, headSeq: 1 });
    expect(client.view().pending).toBe(false);
  });

  test("an ack that passes a nacked frame does not settle the edits after it", () => {
    const client = aClient();
    client.connect();
    client.type("a");
    client.type("b");
    client.server({ type: "nack", frame: 2, code: "gap" });
    client.server({ type: "ack", frames: 3, headSeq: 1 });
    expect(client.view().pending).toBe(true);
  });

  test("a gap that the whole state does not close is given up, not repeated for ever", () => {
    const client = aClient();
    client.connect();
    client.type("a");
    for (let frame = 1; frame <= 12; frame++) {
      client.server({ type: "nack", frame, code: "gap" });
      client.server({ type: "step1", stateVector: Y.encodeStateVector(new Y.Doc()) });
    }
    expect(client.view()).toMatchObject({ refused: "gap", pending: true });
    expect(client.sent().length).toBeLessThan(10);
  });

  test.each(["denied", "invalid", "quota", "epoch"] as const)("after `%s` edits stay here and are not sent", (code) => {
    const client = aClient();
    client.connect();
    client.type("a");
    client.effects();
    client.server({ type: "nack", frame: 2, code });
    expect(client.effects()).toEqual([{ type: "refused", code }]);
    client.type("b");
    client.server({ type: "ack", frames: 2, headSeq: 0 });
    expect(client.sent()).toEqual([]);
    expect(client.view()).toMatchObject({ refused: code, pending: true });
  });

  test("a later connection tries again, and says so when it is taken", () => {
    const client = aClient();
    client.connect();
    client.type("a");
    client.server({ type: "nack", frame: 2, code: "quota" });
    client.handle({ type: "closed", code: 1006 });
    client.handle({ type: "wake" });
    client.handle({ type: "opened" });
    client.server({ type: "step1", stateVector: Y.encodeStateVector(new Y.Doc()) });
    client.effects();
    client.server({ type: "ack", frames: 1, headSeq: 1 });
    expect(client.effects()).toContainEqual({ type: "accepted" });
    expect(client.view()).toMatchObject({ refused: undefined, pending: false });
  });

  test("without the right to write nothing is sent", () => {
    const client = aClient();
    client.type("a");
    client.handle({ type: "start" });
    client.handle({ type: "opened" });
    client.effects();
    client.server({ type: "hello", epoch: 0, headSeq: 0, mayWrite: false, maxFrameBytes: 1_000 });
    expect(client.effects()).toEqual([{ type: "refused", code: "denied" }]);
    client.server({ type: "step1", stateVector: Y.encodeStateVector(new Y.Doc()) });
    expect(client.effects()).toEqual([]);
    expect(client.view()).toMatchObject({ pending: true, refused: "denied" });
  });

  test("without the right to write, what is typed later is refused too", () => {
    const client = aClient();
    client.handle({ type: "start" });
    client.handle({ type: "opened" });
    client.server({ type: "hello", epoch: 0, headSeq: 0, mayWrite: false, maxFrameBytes: 1_000 });
    client.effects();
    client.type("a");
    expect(client.effects()).toEqual([{ type: "refused", code: "denied" }]);
  });
});

test("a state too large for one frame goes out as its edits, in order; one edit too large is refused visibly", () => {
  const client = aClient();
  for (let edit = 0; edit < 10; edit++) client.type("x".repeat(300));
  client.connect(1_000);
  const frames = client.sent().filter((frame) => frame.type === "update" || frame.type === "step2");
  expect(frames.length).toBeGreaterThan(2);
  for (const frame of frames) expect(encodeFrame(frame).length).toBeLessThanOrEqual(1_000);
  expect(textAt(frames)).toBe("x".repeat(3_000));
  client.server({ type: "ack", frames: frames.length, headSeq: 4 });
  expect(client.view().pending).toBe(false);

  client.type("y".repeat(2_000));
  expect(client.effects()).toContainEqual({ type: "refused", code: "too-large" });
  expect(client.view()).toMatchObject({ pending: true, refused: "too-large" });
});

test("C6: an update that leaves a gap makes the client ask again, once", () => {
  const client = aClient();
  client.connect();
  const other = new Y.Doc();
  const updates: Uint8Array[] = [];
  other.on("update", (update: Uint8Array) => updates.push(update));
  for (const letter of "abc") other.getText("draft").insert(other.getText("draft").length, letter);
  client.effects();
  client.server({ type: "update", update: updates[2]! });
  expect(client.sent().map((frame) => frame.type)).toEqual(["step1"]);
  client.server({ type: "update", update: updates[1]! });
  expect(client.sent()).toEqual([]);
  client.server({ type: "step2", update: Y.encodeStateAsUpdate(other) });
  expect(client.doc.getText("draft").toJSON()).toBe("abc");
  expect(client.doc.store.pendingStructs).toBeNull();
});

describe("C7: coming back", () => {
  test("waits grow to 30 s with full jitter, and a merged copy resets them", () => {
    const client = aClient(0.999_999);
    client.handle({ type: "start" });
    const waits = Array.from({ length: 9 }, () => {
      client.handle({ type: "closed", code: 1013 });
      const wait = (client.view().timerAt ?? 0) - client.now();
      client.at(client.view().timerAt ?? 0);
      client.handle({ type: "tick" });
      return wait;
    });
    expect(waits).toEqual([499, 999, 1_999, 3_999, 7_999, 15_999, 29_999, 29_999, 29_999]);
    client.handle({ type: "opened" });
    client.server({ type: "step2", update: Y.encodeStateAsUpdate(new Y.Doc()) });
    client.handle({ type: "closed", code: 1006 });
    expect((client.view().timerAt ?? 0) - client.now()).toBe(499);
  });

  test.each([4401, 4403, 4404, 4410, 4422, 4426])("%i ends it until it is started again", (code) => {
    const client = aClient();
    client.connect();
    client.effects();
    client.handle({ type: "closed", code });
    client.handle({ type: "wake" });
    expect(client.effects()).toEqual([{ type: "ended", code }]);
    expect(client.view()).toMatchObject({ connection: "ended", timerAt: undefined });
    client.handle({ type: "start" });
    expect(client.effects()).toEqual([{ type: "connect" }]);
  });

  test("a wake-up retries at once", () => {
    const client = aClient();
    client.handle({ type: "start" });
    client.handle({ type: "closed", code: 1006 });
    client.effects();
    client.handle({ type: "wake" });
    expect(client.effects()).toEqual([{ type: "connect" }]);
  });
});

describe("C8: a silent connection", () => {
  test("is asked for life after 15 s and dropped 10 s later", () => {
    const client = aClient();
    client.connect();
    expect(client.view().timerAt).toBe(15_000);
    client.effects();
    client.at(15_000);
    client.handle({ type: "tick" });
    expect(client.sent()).toEqual([{ type: "query-awareness" }]);
    client.at(24_999);
    client.handle({ type: "tick" });
    expect(client.view().connection).toBe("live");
    client.at(25_000);
    client.handle({ type: "tick" });
    expect(client.effects()).toContainEqual({ type: "disconnect" });
    expect(client.view().connection).toBe("waiting");
  });

  test("stays when anything comes", () => {
    const client = aClient();
    client.connect();
    client.at(15_000);
    client.handle({ type: "tick" });
    client.at(16_000);
    client.server({ type: "awareness", update: new Uint8Array([0]) });
    expect(client.view()).toMatchObject({ connection: "live", timerAt: 31_000 });
  });

  test.each(["wake", "offline"] as const)("has 5 s to answer after `%s`", (type) => {
    const client = aClient();
    client.connect();
    client.at(1_000);
    client.handle({ type });
    expect(client.view().timerAt).toBe(6_000);
    client.at(6_000);
    client.handle({ type: "tick" });
    expect(client.view().connection).toBe("waiting");
  });
});

test.each(["wake", "offline"] as const)("C8: after `%s` only an answer counts: what else comes may be old", (type) => {
  const client = aClient();
  client.connect();
  client.at(1_000);
  client.handle({ type });
  client.at(2_000);
  client.server({ type: "feed" });
  expect(client.view().timerAt).toBe(6_000);
  client.server({ type: "awareness", update: new Uint8Array([0]) });
  expect(client.view()).toMatchObject({ connection: "live", timerAt: 17_000 });
  client.handle({ type });
  client.server({ type: "feed" });
  client.at(7_000);
  client.handle({ type: "tick" });
  expect(client.view().connection).toBe("waiting");
});

/** A client that wrote "mine" and had it acknowledged, and what the server has under the same clocks. */
function aDivergedClient(theirText: string) {
  const client = aClient();
  client.type("mine");
  client.connect();
  client.server({ type: "ack", frames: 1, headSeq: 1 });
  client.effects();
  const theirs = new Y.Doc();
  theirs.clientID = client.doc.clientID;
  theirs.getText("draft").insert(0, theirText);
  expect(Y.encodeStateVector(theirs)).toEqual(Y.encodeStateVector(client.doc));
  return { client, theirs };
}
const digestOf = (doc: Y.Doc): ServerFrame => ({ type: "digest", seq: 1, hash: new Uint8Array(contentDigest(doc)) });
const allOf = (doc: Y.Doc): ServerFrame => ({ type: "step2", update: Y.encodeStateAsUpdate(doc) });

/** Goes on where `before` is, as another device does, whose rows this session was not sent yet. */
function aheadOf(before: Y.Doc): Y.Doc {
  const ahead = new Y.Doc();
  Y.applyUpdate(ahead, Y.encodeStateAsUpdate(before));
  ahead.getText("draft").insert(4, " and theirs");
  return ahead;
}

describe("C9: a digest", () => {
  test("of the same content says nothing; of another one is answered with our own, and all there is is asked for", () => {
    const { client, theirs } = aDivergedClient("them");
    client.server(digestOf(client.doc));
    expect(client.effects()).toEqual([]);
    client.server(digestOf(theirs));
    const effects = client.effects();
    expect(effects[0]).toEqual({ type: "diverged", seq: 1 });
    const sent = effects.flatMap((effect) => (effect.type === "send" ? [frameOf(effect.message)] : []));
    expect(sent).toEqual([digestOf(client.doc), { type: "step1", stateVector: Y.encodeStateVector(new Y.Doc()) }]);
  });

  test("whose document differs from ours, though no clock does, has ours replaced and not touched", () => {
    const { client, theirs } = aDivergedClient("them");
    client.server(digestOf(theirs));
    client.effects();
    client.server(allOf(theirs));
    expect(client.effects()).toEqual([{ type: "heal", state: Y.encodeStateAsUpdate(theirs) }]);
    expect(client.doc.getText("draft").toJSON()).toBe("mine");
  });

  test("that differs because this session is behind brings the rows it was not sent, and replaces nothing", () => {
    const { client } = aDivergedClient("mine");
    for (let digest = 0; digest < 5; digest++) {
      const ahead = aheadOf(client.doc);
      client.server(digestOf(ahead));
      expect(client.sent().map(({ type }) => type)).toEqual(["digest", "step1"]);
      client.server(allOf(ahead));
      expect(client.effects()).toEqual([]);
      expect(client.doc.getText("draft").toJSON()).toBe(ahead.getText("draft").toJSON());
    }
  });

  test("of a session that is behind and wrong as well has the copy replaced by all there is", () => {
    const { client, theirs } = aDivergedClient("them");
    const ahead = aheadOf(theirs);
    client.server(digestOf(ahead));
    client.effects();
    client.server(allOf(ahead));
    expect(client.effects()).toEqual([{ type: "heal", state: Y.encodeStateAsUpdate(ahead) }]);
    expect(client.doc.getText("draft").toJSON()).toBe("mine and theirs");
  });

  test("that is answered with what cannot be read ends the connection and touches nothing", () => {
    const { client, theirs } = aDivergedClient("them");
    client.server(digestOf(theirs));
    client.effects();
    client.server({ type: "step2", update: new Uint8Array([9, 9, 9]) });
    expect(client.effects()).toEqual([{ type: "disconnect" }]);
    expect(client.doc.getText("draft").toJSON()).toBe("mine");
  });

  test("of a server whose own copy was wrong, and was rebuilt by the time it answers, changes nothing here", () => {
    const { client, theirs } = aDivergedClient("them");
    client.server(digestOf(theirs));
    client.effects();
    client.server(allOf(client.doc));
    expect(client.effects()).toEqual([]);
  });

  test("replaces nothing while an edit is pending, and asks again with the next digest", () => {
    const { client, theirs } = aDivergedClient("them");
    client.server(digestOf(theirs));
    client.type(" more");
    client.effects();
    client.server(allOf(theirs));
    expect(client.effects()).toEqual([]);
    client.server({ type: "ack", frames: 2, headSeq: 1 });
    client.effects();
    client.server(digestOf(theirs));
    expect(client.sent().map(({ type }) => type)).toEqual(["digest", "step1"]);
  });

  test("has a copy replaced however often that had to wait, as for an edit of another tab", () => {
    const { client, theirs } = aDivergedClient("them");
    for (let digest = 0; digest < 5; digest++) {
      client.server(digestOf(theirs));
      client.effects();
      client.server(allOf(theirs));
      expect(client.effects()).toMatchObject([{ type: "heal" }]);
    }
  });

  test("that differs, though what the server has does not, is asked about three times a connection", () => {
    const { client, theirs } = aDivergedClient("them");
    const asked = Array.from({ length: 5 }, () => {
      client.server(digestOf(theirs));
      const sent = client.sent().map(({ type }) => type);
      client.server(allOf(client.doc));
      return sent.includes("step1");
    });
    expect(asked).toEqual([true, true, true, false, false]);
  });

  test("means nothing while an edit is pending or for an older head", () => {
    const client = aClient();
    client.connect();
    client.server({ type: "ack", frames: 1, headSeq: 5 });
    client.effects();
    client.server({ type: "digest", seq: 4, hash: new Uint8Array(32) });
    expect(client.effects()).toEqual([]);
    client.type("a");
    client.effects();
    client.server({ type: "digest", seq: 6, hash: new Uint8Array(32) });
    expect(client.effects()).toEqual([]);
  });
});

test("R19: word that the feed moved is passed on", () => {
  const client = aClient();
  client.connect();
  client.effects();
  client.server({ type: "feed" });
  expect(client.effects()).toEqual([{ type: "feed-moved" }]);
});

test("a frame that is none drops the connection; one of an unknown type is ignored", () => {
  const client = aClient();
  client.connect();
  client.effects();
  client.handle({ type: "received", message: new Uint8Array([99]) });
  expect(client.effects()).toEqual([]);
  client.handle({ type: "received", message: new Uint8Array([0, 2, 200]) });
  expect(client.effects()).toEqual([{ type: "disconnect" }]);
  expect(client.doc.store.clients.size).toBe(0);
});
