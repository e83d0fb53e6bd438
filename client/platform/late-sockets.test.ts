import { expect, test } from "vitest";
import { openLateSockets } from "./late-sockets.ts";
import { ABNORMAL_CLOSE } from "./platform.ts";
import type { OpenSocket, SocketEvents } from "./platform.ts";

function aNetwork() {
  const opened: { path: string; events: SocketEvents; sent: Uint8Array[]; closed: boolean }[] = [];
  const open: OpenSocket = (path, _, events) => {
    const one = { path, events, sent: [] as Uint8Array[], closed: false };
    opened.push(one);
    return {
      send: (message) => void one.sent.push(message),
      close: () => void (one.closed = true),
      bufferedBytes: () => one.sent.length,
    };
  };
  return { opened, open };
}

function someEvents() {
  const codes: number[] = [];
  return {
    codes,
    events: { onOpen: () => undefined, onMessage: () => undefined, onClose: (code: number) => void codes.push(code) },
  };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a socket opened before the code is here opens once it is, and is the real one from then on", async () => {
  const { opened, open } = aNetwork();
  let loads = 0;
  const late = openLateSockets(async () => {
    loads += 1;
    return open;
  });
  const [first, second] = [late("/a", [], someEvents().events), late("/b", [], someEvents().events)];
  expect(opened).toEqual([]);
  expect(first.bufferedBytes()).toBe(0);
  await settled();
  expect(opened.map(({ path }) => path)).toEqual(["/a", "/b"]);
  second.send(new Uint8Array([1]));
  expect(opened[1]?.sent).toHaveLength(1);
  expect(second.bufferedBytes()).toBe(1);
  first.close();
  expect(opened[0]?.closed).toBe(true);
  late("/c", [], someEvents().events);
  expect(opened).toHaveLength(3);
  expect(loads).toBe(1);
});

test("one that is closed before never opens, and hears of its close once", async () => {
  const { opened, open } = aNetwork();
  const late = openLateSockets(async () => open);
  const { codes, events } = someEvents();
  const socket = late("/a", [], events);
  socket.close();
  socket.close();
  expect(codes).toEqual([]);
  await settled();
  expect(codes).toEqual([ABNORMAL_CLOSE]);
  expect(opened).toEqual([]);
});

test("where the code cannot be fetched the socket closes, and the next one asks again", async () => {
  const { opened, open } = aNetwork();
  let online = false;
  const late = openLateSockets(async () => {
    if (!online) throw new TypeError("Failed to fetch");
    return open;
  });
  const { codes, events } = someEvents();
  late("/a", [], events);
  await settled();
  expect(codes).toEqual([ABNORMAL_CLOSE]);
  online = true;
  late("/b", [], someEvents().events);
  await settled();
  expect(opened.map(({ path }) => path)).toEqual(["/b"]);
});
