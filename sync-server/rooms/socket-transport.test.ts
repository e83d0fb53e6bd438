import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { transportOf } from "./socket-transport.ts";
import type { SocketTransport } from "./socket-transport.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A transport, and who is at its other end. */
async function aPair(): Promise<{ transport: SocketTransport; peer: WebSocket; logged: string[] }> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[WebSocket]>;
  const peer = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [ws] = await accepted;
  await once(peer, "open");
  const logged: string[] = [];
  const note = (_: object, message: string): void => void logged.push(message);
  const transport = transportOf(ws, { info: note, warn: note, error: note }, () => undefined);
  cleanups.push(() => {
    transport.stop();
    peer.terminate();
    server.close();
  });
  return { transport, peer, logged };
}

const aFrame = (length: number, first: number): Uint8Array => new Uint8Array(length).map((_, at) => (at + first) % 251);

test("long frames arrive whole and in order, with what is sent meanwhile behind them", async () => {
  const { transport, peer } = await aPair();
  const frames = [10, 3_000_000, 20, 65_536, 65_537, 0, 500_000].map(aFrame);
  const heard: Uint8Array[] = [];
  peer.on("message", (message: Buffer) => heard.push(new Uint8Array(message)));
  for (const frame of frames) transport.send(frame);
  await expect.poll(() => heard.length).toBe(frames.length);
  for (const [at, frame] of frames.entries()) expect(Buffer.compare(heard[at]!, frame), String(at)).toBe(0);
  expect(transport.bufferedBytes()).toBe(0);
  expect(transport.takenBytes?.()).toBe(frames.reduce((sum, { byteLength }) => sum + byteLength, 0));
});

test("R12: how much of a long frame is gone can be seen, also while its reader takes nothing", async () => {
  const { transport, peer } = await aPair();
  const length = 30_000_000;
  peer.pause();
  transport.send(aFrame(length, 0));
  transport.send(aFrame(5, 0));
  // What the systems of both ends hold is gone; the rest waits here, and is known to the byte.
  await expect.poll(() => transport.bufferedBytes()).toBeLessThan(length);
  let before = transport.bufferedBytes();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (transport.bufferedBytes() === before) break;
    before = transport.bufferedBytes();
  }
  expect(before).toBeGreaterThan(1_000_000);
  const looks: number[] = [];
  const looking = setInterval(() => looks.push(transport.takenBytes?.() ?? 0), 1);
  peer.resume();
  await expect.poll(() => transport.bufferedBytes()).toBe(0);
  clearInterval(looking);
  expect(looks.every((taken, at) => taken >= (looks[at - 1] ?? 0))).toBe(true);
  expect(new Set(looks).size).toBeGreaterThan(3);
});

test("what waits for a peer that goes away is let go of", async () => {
  const { transport, peer } = await aPair();
  peer.pause();
  transport.send(aFrame(30_000_000, 0));
  transport.send(aFrame(5, 0));
  peer.terminate();
  const taken = (): number => transport.takenBytes?.() ?? 0;
  await expect
    .poll(async () => {
      const before = taken();
      await new Promise((resolve) => setTimeout(resolve, 50));
      return taken() - before;
    })
    .toBe(0);
  transport.send(aFrame(5, 0));
  expect(taken()).toBeLessThan(30_000_000);
});
