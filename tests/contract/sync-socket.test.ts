import { describe, expect, test } from "vitest";
import type { WebSocket } from "ws";
import * as Y from "yjs";
import { openConversation } from "#shared/documents/conversation.ts";
import { canonicalContent } from "#shared/documents/canonical-content.ts";
import type { AccountId, ConversationId, MessageId, WorkspaceId } from "#shared/domain/ids.ts";
import { parseRoomName } from "#shared/domain/room-name.ts";
import { MAX_FRAME_BYTES, SYNC_SUBPROTOCOL, encodeFrame, parseFrame } from "#shared/protocol/sync-frames.ts";
import type { ServerFrame } from "#shared/protocol/sync-frames.ts";
import { authorize } from "#server/access/authorize.ts";
import { allTables } from "#tests/support/all-tables.ts";
import { endOf, newRoom, socketClass, syncServerPerTest, stockClient, synced, until } from "./sync-socket-server.ts";
import type { StockClient, SyncServer } from "./sync-socket-server.ts";

const { aServer, cleanUp } = syncServerPerTest();
function aClient(...args: Parameters<typeof stockClient>): StockClient {
  const client = stockClient(...args);
  cleanUp(() => client.close());
  return client;
}
function aSocket(
  server: SyncServer,
  room: string,
  cookie: string | undefined = "ann",
  protocols: string[] = [],
): WebSocket {
  const socket = new (socketClass(cookie))(`${server.url}/${room}`, protocols);
  cleanUp(() => socket.terminate());
  return socket;
}
const isOpen = (socket: WebSocket): Promise<void> => new Promise((resolve) => socket.once("open", () => resolve()));

/** Frames a raw socket received; `next` waits for one of a type. */
function inboxOf(socket: WebSocket) {
  const frames: ServerFrame[] = [];
  const waiting = new Set<() => void>();
  socket.on("message", (message: Buffer) => {
    const frame = parseFrame(message);
    if (frame.ok) frames.push(frame.value);
    for (const look of waiting) look();
  });
  return {
    frames,
    next<T extends ServerFrame["type"]>(type: T): Promise<Extract<ServerFrame, { type: T }>> {
      return new Promise((resolve) => {
        const look = (): void => {
          const at = frames.findIndex((frame) => frame.type === type);
          if (at === -1) return;
          waiting.delete(look);
          resolve(frames.splice(at, 1)[0] as Extract<ServerFrame, { type: T }>);
        };
        waiting.add(look);
        look();
      });
    },
  };
}
const idOf = (room: string): ConversationId => parseRoomName(room)!.id as ConversationId;
const rowsOf = async (server: SyncServer, table: "doc_update" | "document"): Promise<number> =>
  (await allTables(server.database).selectFrom(table).selectAll().execute()).length;

describe("an unmodified y-websocket client", () => {
  test("edits all four root types and converges with a second one", async () => {
    const server = await aServer();
    const room = newRoom();
    const one = aClient(server, room);
    const two = aClient(server, room);
    await Promise.all([synced(one), synced(two)]);
    const conversation = openConversation(one.doc, "test");
    conversation.rename("Tides");
    conversation.chooseModel("guide");
    conversation.draft.insert(0, "why are there two?");
    conversation.addPrompt({ id: "m1" as MessageId, parentId: undefined, text: "What are tides?", createdAt: 1 });
    openConversation(two.doc, "test").setTag("sea", true);

    await until(two, () => openConversation(two.doc, "test").draft.length > 0 && two.doc.getMap("messages").size === 1);
    await until(one, () => one.doc.getMap("meta").has("tag:sea"));
    expect(canonicalContent(two.doc)).toBe(canonicalContent(one.doc));
    const third = aClient(server, room);
    await synced(third);
    expect(canonicalContent(third.doc)).toBe(canonicalContent(one.doc));
  });

  test("R6, R10: gets its own update back only after the commit, and nobody sees it earlier", async () => {
    const server = await aServer();
    const room = newRoom();
    const one = aSocket(server, room);
    const two = aSocket(server, room);
    const [mine, others] = [inboxOf(one), inboxOf(two)];
    await Promise.all([isOpen(one), isOpen(two)]);
    for (const socket of [one, two]) socket.send(encodeFrame({ type: "step1", stateVector: new Uint8Array([0]) }));
    await Promise.all([mine.next("step2"), others.next("step2")]);

    server.database.hold();
    const doc = new Y.Doc();
    doc.getText("draft").insert(0, "not yet");
    const asked = server.database.asked();
    one.send(encodeFrame({ type: "update", update: Y.encodeStateAsUpdate(doc) }));
    await asked;
    two.send(encodeFrame({ type: "step1", stateVector: new Uint8Array([0]) }));
    two.send(encodeFrame({ type: "awareness", update: awareness(7, { name: "two" }) }));
    // The awareness was sent last and is answered at once: what came before it was read by then.
    await Promise.all([mine.next("awareness"), others.next("awareness")]);
    expect([...mine.frames, ...others.frames].map((frame) => frame.type)).not.toContain("update");
    expect(others.frames.map((frame) => frame.type)).not.toContain("step2");
    expect(await rowsOf(server, "doc_update")).toBe(0);

    server.database.release();
    const echo = await mine.next("update");
    expect(await rowsOf(server, "doc_update")).toBe(1);
    const copy = new Y.Doc();
    Y.applyUpdate(copy, echo.update);
    expect(copy.getText("draft").toJSON()).toBe("not yet");
    expect((await others.next("step2")).update.byteLength).toBeGreaterThan(2);
  });

  test("R16: what was acknowledged is there after the server lost all memory", async () => {
    const server = await aServer();
    const room = newRoom();
    const one = aClient(server, room);
    await synced(one);
    const echoed = new Promise((resolve) => one.provider.ws!.addEventListener("message", resolve));
    one.doc.getText("draft").insert(0, "kept");
    await echoed;
    one.close();
    await server.restart();
    const two = aClient(server, room);
    await synced(two);
    expect(two.doc.getText("draft").toJSON()).toBe("kept");
  });
});

test("R9, R10: an extended socket is greeted, acknowledged after the commit, and given the digest", async () => {
  const server = await aServer();
  const socket = aSocket(server, newRoom(), "ann", [SYNC_SUBPROTOCOL]);
  const inbox = inboxOf(socket);
  await isOpen(socket);
  expect(socket.protocol).toBe(SYNC_SUBPROTOCOL);
  expect(await inbox.next("hello")).toMatchObject({ epoch: 0, headSeq: 0, mayWrite: true });
  const doc = new Y.Doc();
  doc.getMap("meta").set("title", "Mine");
  socket.send(encodeFrame({ type: "update", update: Y.encodeStateAsUpdate(doc) }));
  expect(await inbox.next("ack")).toEqual({ type: "ack", frames: 1, headSeq: 1 });
  socket.send(encodeFrame({ type: "step1", stateVector: Y.encodeStateVector(doc) }));
  expect(await inbox.next("digest")).toMatchObject({ seq: 1 });
  expect(await rowsOf(server, "document")).toBe(1);
});

describe("a document of another account", () => {
  test("R15, R18: is gone for them, and a write to it changes nothing", async () => {
    const server = await aServer();
    const room = newRoom();
    const ann = aSocket(server, room, "ann", [SYNC_SUBPROTOCOL]);
    const inbox = inboxOf(ann);
    await isOpen(ann);
    const doc = new Y.Doc();
    doc.getText("draft").insert(0, "private");
    ann.send(encodeFrame({ type: "update", update: Y.encodeStateAsUpdate(doc) }));
    await inbox.next("ack");

    const ben = aSocket(server, room, "ben");
    const seen = inboxOf(ben);
    expect(await endOf(ben)).toEqual({ code: 4404 });
    expect(seen.frames).toEqual([]);
    expect(await rowsOf(server, "doc_update")).toBe(1);
  });

  test("R18: of two accounts that hold the same unknown document, the first write wins", async () => {
    const server = await aServer();
    const room = newRoom();
    const ann = aSocket(server, room, "ann", [SYNC_SUBPROTOCOL]);
    const ben = aSocket(server, room, "ben", [SYNC_SUBPROTOCOL]);
    const [anns, bens] = [inboxOf(ann), inboxOf(ben)];
    await Promise.all([anns.next("hello"), bens.next("hello")]);
    expect(await rowsOf(server, "document")).toBe(0);
    const doc = new Y.Doc();
    doc.getText("draft").insert(0, "first");
    ann.send(encodeFrame({ type: "update", update: Y.encodeStateAsUpdate(doc) }));
    await anns.next("ack");
    ben.send(encodeFrame({ type: "update", update: Y.encodeStateAsUpdate(doc) }));
    expect(await endOf(ben)).toEqual({ code: 4404 });
    expect(bens.frames.map((frame) => frame.type)).not.toContain("update");
  });
});

describe("bad input", () => {
  test("R7: a connection that may only read changes nothing and is told", async () => {
    let mayWrite = true;
    const server = await aServer({
      authorize: (principal, action, resource) =>
        (mayWrite || (action !== "document.write" && action !== "document.claim")) &&
        authorize(principal, action, resource),
    });
    const room = newRoom();
    const doc = new Y.Doc();
    doc.getText("draft").insert(0, "yes");
    const before = aSocket(server, room, "ann", [SYNC_SUBPROTOCOL]);
    const itsInbox = inboxOf(before);
    await isOpen(before);
    before.send(encodeFrame({ type: "update", update: Y.encodeStateAsUpdate(doc) }));
    await itsInbox.next("ack");
    mayWrite = false;
    const socket = aSocket(server, room, "ann", [SYNC_SUBPROTOCOL]);
    const inbox = inboxOf(socket);
    expect(await inbox.next("hello")).toMatchObject({ mayWrite: false });
    doc.getText("draft").insert(0, "no");
    socket.send(encodeFrame({ type: "step2", update: Y.encodeStateAsUpdate(doc) }));
    expect(await inbox.next("nack")).toEqual({ type: "nack", frame: 1, code: "denied" });
    expect(await rowsOf(server, "doc_update")).toBe(1);
    expect(server.notices.join()).toContain("denied");
  });

  test("R3: structs under another actor's clientID are denied", async () => {
    const server = await aServer();
    const room = newRoom();
    const socket = aSocket(server, room, "ann", [SYNC_SUBPROTOCOL]);
    const inbox = inboxOf(socket);
    await isOpen(socket);
    const doc = new Y.Doc();
    openConversation(doc, "test").addPrompt({ id: "m1" as MessageId, parentId: undefined, text: "hi", createdAt: 1 });
    socket.send(encodeFrame({ type: "update", update: Y.encodeStateAsUpdate(doc) }));
    await inbox.next("ack");
    socket.send(encodeFrame({ type: "step1", stateVector: Y.encodeStateVector(doc) }));
    await inbox.next("step2");
    const relay = {
      kind: "relay",
      accountId: "account-ann" as AccountId,
      workspaceId: "workspace-ann" as WorkspaceId,
    } as const;
    await server.rooms.edit(relay, idOf(room), (conversation) => conversation.rename("by the relay"));
    Y.applyUpdate(doc, (await inbox.next("update")).update);
    const own = doc.clientID;
    const relayClient = [...Y.decodeStateVector(Y.encodeStateVector(doc)).keys()].find((client) => client !== own)!;

    const before = Y.encodeStateVector(doc);
    doc.clientID = relayClient;
    doc.getMap("meta").set("title", "forged");
    socket.send(encodeFrame({ type: "update", update: Y.encodeStateAsUpdate(doc, before) }));
    expect(await inbox.next("nack")).toMatchObject({ code: "denied" });
    const title = await server.rooms.read(relay, idOf(room), (conversation) => conversation.summary().title);
    expect(title).toBe("by the relay");
  });

  test("R1: a message of 50 MB is refused before it is read, and the server lives on", async () => {
    const server = await aServer();
    const room = newRoom();
    const socket = aSocket(server, room);
    await isOpen(socket);
    const end = endOf(socket);
    socket.send(new Uint8Array(50 * 1024 * 1024));
    expect(await end).toEqual({ code: 1009 });
    const fine = aClient(server, room);
    await synced(fine);
    expect(await rowsOf(server, "document")).toBe(0);
  });

  test.each([
    ["garbage", new Uint8Array([0, 9, 255, 255])],
    ["an update that is none", encodeFrame({ type: "update", update: new Uint8Array([1, 2, 3]) })],
    ["an ack from a client", encodeFrame({ type: "ack", frames: 1, headSeq: 1 })],
    [
      "an update of 4 MiB with bytes left over",
      encodeFrame({ type: "update", update: new Uint8Array(MAX_FRAME_BYTES - 10) }),
    ],
    ["text", "hello"],
  ])("R1, R2: %s closes the socket 4422", async (_, message) => {
    const server = await aServer();
    const socket = aSocket(server, newRoom());
    await isOpen(socket);
    const end = endOf(socket);
    socket.send(message);
    expect(await end).toEqual({ code: 4422 });
    expect(await rowsOf(server, "document")).toBe(0);
  });

  test("R15: an old epoch is closed 4410, one that never was 4404", async () => {
    const server = await aServer();
    const room = newRoom();
    const inbox = inboxOf(aSocket(server, room, "ann", [SYNC_SUBPROTOCOL]));
    expect(await inbox.next("hello")).toMatchObject({ epoch: 0 });
    expect(await endOf(aSocket(server, room.replace(/0$/, "3")))).toEqual({ code: 4404 });
  });

  test.each([
    ["conversation.not-an-id.0", 404],
    ["elsewhere", 404],
    ["conversation.%F0%28.0", 404],
  ])("R15: the upgrade to %s is refused with %i", async (room, status) => {
    const server = await aServer();
    expect(await endOf(aSocket(server, room))).toEqual({ status });
  });

  test("an upgrade elsewhere, without a session, or from a foreign Origin is refused", async () => {
    const server = await aServer();
    const room = newRoom();
    const elsewhere = new (socketClass("ann"))(`${server.url.replace("/sync", "/api")}/${room}`);
    expect(await endOf(elsewhere)).toEqual({ status: 404 });
    expect(await endOf(aSocket(server, room, "nobody"))).toEqual({ status: 401 });
    for (const origin of ["https://evil.test", "null", `${ORIGIN_PREFIX}.evil.test`, ""]) {
      const socket = new (socketClass("ann", origin))(`${server.url}/${room}`);
      expect(await endOf(socket)).toEqual({ status: 403 });
    }
  });
});

test("R19: a change in one room is word of the feed in the owner's other rooms, and in nobody else's", async () => {
  const server = await aServer();
  const [annsOther, bens] = [
    aSocket(server, newRoom(), "ann", [SYNC_SUBPROTOCOL]),
    aSocket(server, newRoom(), "ben", [SYNC_SUBPROTOCOL]),
  ];
  const [heardByAnn, heardByBen] = [inboxOf(annsOther), inboxOf(bens)];
  await Promise.all([heardByAnn.next("hello"), heardByBen.next("hello")]);
  const writer = aClient(server, newRoom());
  await synced(writer);
  openConversation(writer.doc, "test").rename("Tides");
  await heardByAnn.next("feed");
  bens.send(encodeFrame({ type: "query-awareness" }));
  // The answer comes after anything that was on its way before.
  await heardByBen.next("awareness");
  expect(heardByBen.frames.map((frame) => frame.type)).not.toContain("feed");
});

test("a session that ended closes its socket 4401 at the next check", async () => {
  const server = await aServer({ recheckMs: 20 });
  const socket = aSocket(server, newRoom());
  await isOpen(socket);
  const end = endOf(socket);
  server.signedIn.delete("ann");
  expect(await end).toEqual({ code: 4401 });
});

test("a peer that answers no ping is dropped", async () => {
  const server = await aServer({ pingMs: 20 });
  const socket = aSocket(server, newRoom());
  await isOpen(socket);
  socket.pong = () => undefined;
  expect(await endOf(socket)).toEqual({ code: 1006 });
});

const ORIGIN_PREFIX = "http://holdfast.test";

/** One participant's state in the format of y-protocols/awareness. */
function awareness(client: number, state: object): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(state));
  return new Uint8Array([1, client, 1, json.byteLength, ...json]);
}
