import { once } from "node:events";
import { connect } from "node:net";
import * as Y from "yjs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import { SYNC_SUBPROTOCOL, encodeFrame } from "#shared/protocol/sync-frames.ts";
import { conversationRoom, newId, openAttackedServer } from "#tests/support/attacked-server.ts";
import type { AttackedServer } from "#tests/support/attacked-server.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
import type { NodeDevice } from "#tests/support/node-device.ts";
import { difference } from "./attacked-room.ts";
import { deepValue, manyClients, nestedMaps, numbers, structOf, updateOf } from "./crafted-updates.ts";
import { openRawPeer } from "./raw-peer.ts";
import { content, encodeUpdate } from "./raw-updates.ts";
import type { RawId, RawStruct } from "./raw-updates.ts";

/** How long the victim may wait for an acknowledgement while the attack is handled, in ms, on a busy machine. */
const PATIENCE_MS = 8_000;
const HOSTILE = 9;
const MB = 1024 * 1024;

let target: AttackedServer;
let account: Guest;
let victim: NodeDevice;
let typed = "";
const room = conversationRoom(newId());

/** The victim types a word and waits until it is acknowledged; answers how long that took, in ms. */
async function write(word: string): Promise<number> {
  const at = performance.now();
  typed += word;
  const token = victim.edit(({ draft }) => draft.insert(draft.length, word));
  await victim.until(() => victim.settled() >= token);
  return performance.now() - at;
}
/** A device that comes new shows what the victim shows: everything typed, nothing pending. */
async function expectWhole(): Promise<void> {
  await write("after ");
  const fresh = openNodeDevice(target.url, account.cookie, room);
  await fresh.until(fresh.arrived);
  expect(difference(victim.conversation.doc, fresh.conversation.doc)).toBeUndefined();
  expect(fresh.conversation.draft.toJSON()).toBe(typed);
  expect(victim.refused()).toEqual([]);
  fresh.close();
}

beforeAll(async () => {
  target = await openAttackedServer();
  account = await signInGuest(target.url);
  victim = openNodeDevice(target.url, account.cookie, room);
  await write("first ");
});
afterEach(async () => {
  await expectWhole();
  await target.expectUnharmed();
});
afterAll(async () => {
  victim?.close();
  await target?.close();
});

const victimId = (): number => victim.conversation.doc.clientID;
const victimClock = (): number => Y.getState(victim.conversation.doc.store, victimId());
const under = (client: number, clock: number, ...structs: RawStruct[]): Uint8Array =>
  encodeUpdate({ sections: [{ client, clock, structs }], deletes: [] });
const inDraft = (text: string, place: { origin?: RawId; rightOrigin?: RawId } = {}): RawStruct => ({
  kind: "item",
  parent: "draft",
  content: content.string(text),
  ...place,
});
/** The id of a character of the victim. */
const character = (index: number): RawId => {
  const structs = victim.conversation.doc.store.clients.get(victimId()) ?? [];
  const text = structs.find((struct) => struct instanceof Y.Item && struct.content instanceof Y.ContentString);
  return { client: victimId(), clock: (text?.id.clock ?? 0) + index };
};
const keyOf = (): RawId => ({ client: victimId(), clock: 0 });
const future = (): Uint8Array =>
  encodeUpdate({ sections: [], deletes: [{ client: victimId(), ranges: [{ clock: victimClock(), length: 500 }] }] });
const entangled = (): Uint8Array =>
  encodeUpdate({
    sections: [
      {
        client: HOSTILE,
        clock: 0,
        structs: Array.from({ length: 8_000 }, (_, i) => inDraft("x", { rightOrigin: { client: 8, clock: i } })),
      },
      { client: 8, clock: 0, structs: [inDraft("y".repeat(8_000))] },
    ],
    deletes: [],
  });

describe("an update in the victim's room, from a device of the same account", () => {
  test.each<[string, () => Uint8Array, "invalid" | "gap"]>([
    [
      "13 bytes of garbage of length 2^31 - 1 under the victim's clientID (fact 4)",
      () => structOf(victimId(), victimClock(), 0, 2 ** 31 - 1),
      "invalid",
    ],
    ["garbage of length 0 under the victim's clientID", () => structOf(victimId(), victimClock(), 0, 0), "invalid"],
    [
      "absence of length 2^31 - 1 under the victim's clientID",
      () => structOf(victimId(), victimClock(), 10, 2 ** 31 - 1),
      "gap",
    ],
    ["the victim's clientID beyond its next clock", () => structOf(victimId(), victimClock() + 7, 0, 5), "gap"],
    ["the deletion of what the victim will write (C3.2)", future, "gap"],
    [
      "neighbours in two roots (C3.4)",
      () => under(HOSTILE, 0, inDraft("x", { origin: character(0), rightOrigin: keyOf() })),
      "invalid",
    ],
    [
      "a character for a parent",
      () => under(HOSTILE, 0, { kind: "item", parent: character(0), content: content.string("x") }),
      "invalid",
    ],
    [
      "neighbours the wrong way round (R14)",
      () => under(HOSTILE, 0, inDraft("x", { origin: character(3), rightOrigin: character(1) })),
      "invalid",
    ],
    ["56 KB that take Yjs a minute (R14)", entangled, "invalid"],
    [
      "a document inside the document (C3.5)",
      () => updateOf((doc) => doc.getMap("meta").set("a", new Y.Doc({ autoLoad: true }))),
      "invalid",
    ],
    ["5,000 nested maps (C3.6)", () => updateOf(nestedMaps(5_000)), "invalid"],
    ["a value 5,000 arrays deep", () => deepValue(5_000), "invalid"],
    ["20,000 clientIDs", () => manyClients(20_000), "invalid"],
    ["the key __proto__ (C3.7)", () => updateOf((doc) => doc.getMap("meta").set("__proto__", 1)), "invalid"],
    [
      "2 MB of empty objects, which take 65",
      () =>
        updateOf((doc) =>
          doc.getMap("meta").set(
            "a",
            Array.from({ length: MB }, () => ({})),
          ),
        ),
      "invalid",
    ],
    [
      "3 MB of JSON, which is parsed before it can be refused",
      () => under(HOSTILE, 0, { kind: "item", parent: "draft", content: content.embed(`[${"{},".repeat(MB)}0]`) }),
      "invalid",
    ],
    ["format V2 (fact 8)", () => Y.encodeStateAsUpdateV2(victim.conversation.doc), "invalid"],
    [
      "the victim's own document, cut in the middle (fact 9)",
      () => Y.encodeStateAsUpdate(victim.conversation.doc).slice(0, -9),
      "invalid",
    ],
  ])("%s is refused, and the victim types on", { timeout: 60_000 }, async (_, attack, code) => {
    const peer = await openRawPeer(target.url, account.cookie, room);
    peer.update(attack());
    const waited = await write("during ");
    expect(waited).toBeLessThan(PATIENCE_MS);
    await peer.until(() => peer.state.closed !== undefined || peer.state.nacked > 0);
    if (code === "invalid") expect(await peer.closed()).toBe(CloseCode.invalid);
    else expect(peer.state.codes).toEqual([code]);
    peer.socket.terminate();
  });

  test("a value over a key of the victim, its deletions stripped, leaves one title for everybody (C3.3)", async () => {
    victim.conversation.rename("the victim's title");
    await write("titled ");
    const peer = await openRawPeer(target.url, account.cookie, room);
    const item = [...victim.conversation.doc.store.clients.values()]
      .flat()
      .find((struct) => struct instanceof Y.Item && struct.parentSub === "title");
    const origin = item?.id ?? keyOf();
    peer.update(under(20, 0, { kind: "item", origin, parent: "meta", content: content.any("another") }));
    await peer.until(() => peer.state.acked === 1);
    expect(peer.state.nacked).toBe(0);
    await victim.until(() => victim.conversation.summary().title === "another");
    peer.socket.terminate();
  });

  test("row 25: a BigInt, of which JSON knows nothing, does not end the process when the content is compared", async () => {
    const peer = await openRawPeer(target.url, account.cookie, room);
    peer.update(updateOf((doc) => doc.getMap("settings").set("temperature", 2n ** 62n)));
    await peer.until(() => peer.state.acked === 1);
    // A digest is computed for whoever comes new.
    const fresh = openNodeDevice(target.url, account.cookie, room);
    await fresh.until(fresh.arrived);
    expect(fresh.conversation.doc.getMap("settings").get("temperature")).toBe(2n ** 62n);
    fresh.close();
    peer.socket.terminate();
  });

  test("an item that goes on elsewhere than where it began is refused, and the victim types on", async () => {
    const peer = await openRawPeer(target.url, account.cookie, room);
    peer.update(under(21, 0, { kind: "item", parent: "settings", parentSub: "begun", content: content.string("s") }));
    await peer.until(() => peer.state.acked === 1);
    peer.update(under(21, 0, inDraft("several")));
    expect(await write("on ")).toBeLessThan(PATIENCE_MS);
    expect(await peer.closed()).toBe(CloseCode.invalid);
    expect(victim.conversation.draft.toString()).not.toContain("everal");
  });

  test("texts of 3 MB are taken until the document is full, then nacked quota", async () => {
    const full = conversationRoom(newId());
    const peer = await openRawPeer(target.url, account.cookie, full);
    for (let i = 0; i < 3; i++) peer.update(under(30 + i, 0, inDraft(String(i).repeat(3 * MB - 100))));
    await peer.until(() => peer.state.acked === 3 || peer.state.closed !== undefined);
    expect(peer.state).toMatchObject({ acked: 3, codes: ["quota"], closed: undefined });
    peer.socket.terminate();
  });
});

describe("messages", () => {
  test("R1: a frame of an unknown type is ignored, and what follows in it is not read as frames", async () => {
    const peer = await openRawPeer(target.url, account.cookie, room);
    const hidden = encodeFrame({ type: "update", update: under(40, 0, inDraft("HIDDEN")) });
    peer.send(new Uint8Array([77, ...hidden]));
    await peer.answered();
    expect(peer.state).toMatchObject({ acked: 0, closed: undefined });
    peer.send(new Uint8Array([...encodeFrame({ type: "query-awareness" }), ...hidden]));
    expect(await peer.closed()).toBe(CloseCode.invalid);
  });

  test("a frame that announces 1 GB is refused before it comes", async () => {
    const before = target.memory("VmHWM");
    const socket = connect(target.port, "127.0.0.1").on("error", () => undefined);
    let received = Buffer.alloc(0);
    socket.on("data", (data: Buffer) => (received = Buffer.concat([received, data])));
    socket.write(
      `GET /sync/${room} HTTP/1.1\r\nHost: localhost:${target.port}\r\nOrigin: ${target.url}\r\nCookie: ${account.cookie}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    await once(socket, "data");
    const header = Buffer.alloc(14);
    header.set([0x82, 0xff]);
    header.writeBigUInt64BE(2n ** 30n, 2);
    socket.write(header);
    await once(socket, "close");
    // 0x88: close; 1009: too big
    expect(received.includes(Buffer.from([0x88, 0x02, 0x03, 0xf1]))).toBe(true);
    expect(target.memory("VmHWM") - before).toBeLessThan(100);
  });

  test("200 upgrades and uploads that come byte by byte hold nobody up", async () => {
    const upgrade = `GET /sync/${room} HTTP/1.1\r\nHost: localhost:${target.port}\r\nUpgrade: websocket\r\n`;
    const upload = `PUT /api/runs/${newId()} HTTP/1.1\r\nHost: localhost:${target.port}\r\nCookie: ${account.cookie}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"`;
    const slow = Array.from({ length: 200 }, (_, i) => {
      const socket = connect(target.port, "127.0.0.1").on("error", () => undefined);
      socket.write(i % 2 === 0 ? upgrade : upload);
      return socket;
    });
    for (let round = 0; round < 5; round++) {
      for (const socket of slow) socket.write("a");
      expect(await write("slow ")).toBeLessThan(PATIENCE_MS);
    }
    for (const socket of slow) socket.destroy();
  });
});

test("R3, R15: a stranger who writes under the victim's clientID before the room refuses them changes nothing", async () => {
  const stranger = await signInGuest(target.url);
  await stranger.fetch("/api/me");
  const socket = new WebSocket(`${target.url.replace("http", "ws")}/sync/${room}`, [SYNC_SUBPROTOCOL], {
    headers: { cookie: stranger.cookie, origin: target.url },
  });
  let frames = 0;
  socket.on("message", () => (frames += 1));
  socket.on("open", () => {
    const squat = under(victimId(), victimClock(), inDraft("SQUAT"));
    for (const type of ["step2", "update"] as const) socket.send(encodeFrame({ type, update: squat }));
    socket.send(encodeFrame({ type: "step1", stateVector: numbers(0) }));
  });
  const [code] = (await once(socket, "close")) as [number];
  expect(code).toBe(CloseCode.gone);
  expect(frames).toBe(0);
});
