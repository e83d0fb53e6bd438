import { expect, test } from "vitest";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { browserClock } from "#client/platform/browser-clock.ts";
import { createOpenSocket } from "#client/platform/browser-socket.ts";
import { createMultiplexer } from "#client/platform/multiplexer.ts";
import type { OpenSocket } from "#client/platform/platform.ts";
import { MAX_CHANNELS, MULTIPLEX_SUBPROTOCOL, encodeChannelMessage } from "#shared/protocol/multiplex.ts";
import { encodeFrame, parseFrame } from "#shared/protocol/sync-frames.ts";
import type { ClientFrame, ServerFrame } from "#shared/protocol/sync-frames.ts";
import { allTables } from "#tests/support/all-tables.ts";
import { endOf, newRoom, socketClass, syncServerPerTest, stockClient, synced } from "./sync-socket-server.ts";
import type { SyncServer } from "./sync-socket-server.ts";

const { aServer, cleanUp } = syncServerPerTest();

/** The app's own multiplexer over `ws`, and how many sockets it opened. */
function aBrowser(server: SyncServer, cookie = "ann") {
  let opened = 0;
  const real = createOpenSocket(server.url.replace("ws", "http"), socketClass(cookie) as never);
  const counting: OpenSocket = (path, protocols, events) => {
    opened += 1;
    const socket = real(path, protocols, events);
    cleanUp(() => socket.close());
    return socket;
  };
  return { open: createMultiplexer(counting, browserClock), opened: () => opened };
}

/** One room on a channel, with what was heard of it. */
function aChannel(open: OpenSocket, room: string) {
  const frames: ServerFrame[] = [];
  const closed: number[] = [];
  const socket = open(`/sync/${room}`, [], {
    onOpen: () => send({ type: "step1", stateVector: Y.encodeStateVector(new Y.Doc()) }),
    onMessage(bytes) {
      const frame = parseFrame(bytes);
      if (frame.ok) frames.push(frame.value);
    },
    onClose: (code) => closed.push(code),
  });
  const send = (frame: ClientFrame): void => socket.send(encodeFrame(frame));
  async function heard(type: ServerFrame["type"]): Promise<void> {
    await expect.poll(() => frames.map((frame) => frame.type)).toContain(type);
  }
  return { send, heard, frames, closed };
}

const anEdit = (text: string): Uint8Array => {
  const doc = new Y.Doc();
  doc.getText("draft").insert(0, text);
  return Y.encodeStateAsUpdate(doc);
};

test("R23: many rooms share one socket, and each is acknowledged, shown and told what is its own", async () => {
  const server = await aServer();
  const { open, opened } = aBrowser(server);
  const rooms = Array.from({ length: 10 }, () => newRoom());
  const channels = rooms.map((room) => aChannel(open, room));
  await Promise.all(channels.map((channel) => channel.heard("step2")));
  channels.forEach((channel, at) => channel.send({ type: "update", update: anEdit(`text ${at}`) }));
  await Promise.all(channels.map((channel) => channel.heard("ack")));
  for (const [at, room] of rooms.entries()) {
    const other = stockClient(server, room);
    cleanUp(() => other.close());
    await synced(other);
    expect(other.doc.getText("draft").toString()).toBe(`text ${at}`);
    other.doc.getText("draft").insert(0, "more ");
    await channels[at]!.heard("update");
  }
  // Ten edits elsewhere: each room heard of one.
  expect(channels.map(({ frames }) => frames.filter(({ type }) => type === "update").length)).toEqual(
    rooms.map(() => 1),
  );
  expect(opened()).toBe(1);
});

test("R15, R23: another's document closes its channel 4404, and the rest goes on", async () => {
  const server = await aServer();
  const room = newRoom();
  const bens = aChannel(aBrowser(server, "ben").open, room);
  await bens.heard("step2");
  bens.send({ type: "update", update: anEdit("ben's") });
  await bens.heard("ack");
  const { open } = aBrowser(server);
  const own = aChannel(open, newRoom());
  const foreign = aChannel(open, room);
  await expect.poll(() => foreign.closed).toEqual([4404]);
  expect(foreign.frames).toEqual([]);
  await own.heard("step2");
  own.send({ type: "update", update: anEdit("ann's") });
  await own.heard("ack");
  expect(own.closed).toEqual([]);
});

test("R23: a session that ended closes the socket, and with it every channel, 4401", async () => {
  const server = await aServer({ recheckMs: 20 });
  const { open } = aBrowser(server);
  const channels = [aChannel(open, newRoom()), aChannel(open, newRoom())];
  await Promise.all(channels.map((channel) => channel.heard("step2")));
  server.signedIn.delete("ann");
  await expect.poll(() => channels.map(({ closed }) => closed)).toEqual([[4401], [4401]]);
});

test("R23: a server that dies closes all channels, and the next one opens another socket", async () => {
  const server = await aServer();
  const { open, opened } = aBrowser(server);
  const room = newRoom();
  const before = aChannel(open, room);
  await before.heard("step2");
  before.send({ type: "update", update: anEdit("kept") });
  await before.heard("ack");
  await server.restart();
  await expect.poll(() => before.closed).toEqual([1006]);
  const next = aBrowser(server);
  const after = aChannel(next.open, room);
  await after.heard("step2");
  const doc = new Y.Doc();
  for (const frame of after.frames) if (frame.type === "step2") Y.applyUpdate(doc, frame.update);
  expect(doc.getText("draft").toString()).toBe("kept");
  expect([opened(), next.opened()]).toEqual([1, 1]);
});

test("R23: more tabs than one socket has channels for open another one", async () => {
  const server = await aServer();
  const { open, opened } = aBrowser(server);
  const room = newRoom();
  const channels = Array.from({ length: MAX_CHANNELS + 1 }, () => aChannel(open, room));
  await Promise.all(channels.map((channel) => channel.heard("step2")));
  expect(channels.flatMap(({ closed }) => closed)).toEqual([]);
  expect(opened()).toBe(2);
});

/** A socket at `/sync` that sends what it is told to. */
async function aRawSocket(server: SyncServer): Promise<WebSocket> {
  const socket = new (socketClass("ann"))(server.url, [MULTIPLEX_SUBPROTOCOL]);
  cleanUp(() => socket.terminate());
  await new Promise((resolve) => socket.once("open", resolve));
  return socket;
}

test.each([
  ["cut", new Uint8Array([1])],
  ["empty", new Uint8Array()],
  ["of an unknown kind", new Uint8Array([1, 77])],
  ["text", "hello"],
  ["of a channel without end", new Uint8Array([...Array<number>(147).fill(0x80), 1, 0, 0])],
  ["of a channel that is no number", new Uint8Array([...Array<number>(148).fill(0x80), 1, 0, 0])],
])("R1, R23: a message that is %s ends the socket 4422, and nobody else's", async (_, message) => {
  const server = await aServer();
  const { open } = aBrowser(server);
  const other = aChannel(open, newRoom());
  await other.heard("step2");
  const socket = await aRawSocket(server);
  const end = endOf(socket);
  socket.send(message);
  expect(await end).toEqual({ code: 4422 });
  other.send({ type: "query-awareness" });
  await other.heard("awareness");
});

test("R23: sockets and channels of an account together are 512, and what is too many comes back later", async () => {
  const server = await aServer();
  const codes: number[] = [];
  const sockets: { close(): void }[] = [];
  // Eight full sockets are 8 + 512: the last eight channels are too many.
  for (let socket = 0; socket < 8; socket++) {
    const { open } = aBrowser(server);
    for (let channel = 0; channel < MAX_CHANNELS; channel++)
      sockets.push(
        open(`/sync/${newRoom()}`, [], {
          onOpen: () => undefined,
          onMessage: () => undefined,
          onClose: (code) => code === 1013 && codes.push(code),
        }),
      );
  }
  await expect.poll(() => codes, { timeout: 20_000 }).toEqual(Array.from({ length: 8 }, () => 1013));
  // Places of what is closed are free again.
  for (const socket of sockets) socket.close();
  const again = aChannel(aBrowser(server).open, newRoom());
  await again.heard("step2");
}, 30_000);

test("R23: a frame for a channel that nobody opened changes nothing", async () => {
  const server = await aServer();
  const socket = await aRawSocket(server);
  const update = encodeFrame({ type: "update", update: anEdit("stray") });
  socket.send(encodeChannelMessage({ type: "frame", channel: 9, frame: update }));
  socket.send(encodeChannelMessage({ type: "close", channel: 9, code: 1000 }));
  socket.send(encodeChannelMessage({ type: "open", channel: 10, room: newRoom() }));
  await new Promise((resolve) => socket.once("message", resolve));
  expect(socket.readyState).toBe(WebSocket.OPEN);
  expect(await allTables(server.database).selectFrom("doc_update").selectAll().execute()).toEqual([]);
});
