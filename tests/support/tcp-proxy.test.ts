import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTcpProxy } from "./tcp-proxy.ts";
import type { TcpProxy } from "./tcp-proxy.ts";
import { createAnnouncement } from "./waiting.ts";

let server: Server;
let proxy: TcpProxy;
let served: Served[] = [];
let clients: Socket[] = [];
const arrivals = createAnnouncement();

/** One side of a connection, with what came and how it ended. */
interface Served {
  socket: Socket;
  received: string;
  ended: boolean;
  closed: "open" | "end" | "reset";
}

function watch(socket: Socket): Served {
  const seen: Served = { socket, received: "", ended: false, closed: "open" };
  socket.setEncoding("latin1").on("data", (text: string) => {
    seen.received += text;
    arrivals.announce();
  });
  socket.on("end", () => {
    seen.ended = true;
    arrivals.announce();
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "ECONNRESET") seen.closed = "reset";
  });
  socket.on("close", () => {
    if (seen.closed === "open") seen.closed = "end";
    arrivals.announce();
  });
  return seen;
}

beforeEach(async () => {
  served = [];
  clients = [];
  server = createServer((socket) => {
    served.push(watch(socket));
    arrivals.announce();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy = await openTcpProxy((server.address() as AddressInfo).port, () => 0);
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  for (const { socket } of served) socket.destroy();
  await proxy.close();
  const closed = once(server, "close");
  server.close();
  await closed;
});

async function dial(): Promise<Served> {
  const socket = connect(proxy.port, "127.0.0.1");
  clients.push(socket);
  const seen = watch(socket);
  await once(socket, "connect");
  return seen;
}

/** A connection that both sides know of. */
async function dialThrough(): Promise<{ client: Served; far: Served }> {
  const before = served.length;
  const client = await dial();
  await arrivals.until(() => served.length > before);
  return { client, far: served[before]! };
}

test("bytes pass both ways, and an end of one side leaves the other way open", async () => {
  const { client, far } = await dialThrough();
  client.socket.end("question");
  await arrivals.until(() => far.received === "question");
  far.socket.end("answer");
  await arrivals.until(() => client.received === "answer" && client.closed === "end");
  expect(proxy.bytes()).toEqual({ up: 8, down: 6, swallowed: 0 });
  await proxy.until(() => proxy.open() === 0);
});

describe("cuts", () => {
  test.each(["end", "reset"] as const)("after so many bytes, wherever the chunks end: %s", async (how) => {
    const { client, far } = await dialThrough();
    proxy.set({ type: "cut", direction: "down", afterBytes: 5, how });
    client.socket.write("all of this passes");
    far.socket.write("123");
    await arrivals.until(() => client.received === "123" && far.received === "all of this passes");
    far.socket.write("456789");
    await arrivals.until(() => client.closed !== "open" && far.closed !== "open");
    // Who gets bytes and a reset at once may be told of an end (libuv); the other side shows what it was.
    expect([client.received, far.closed]).toEqual(["12345", how]);
  });

  test("in the middle of a chunk, with a reset to both sides", async () => {
    const { client, far } = await dialThrough();
    proxy.set({ type: "cut-mid-chunk", direction: "up" });
    client.socket.write("0123456789");
    await arrivals.until(() => client.closed !== "open" && far.closed !== "open");
    expect([far.received, client.closed]).toEqual(["01234", "reset"]);
  });

  test("all at once, and later connections are served", async () => {
    const first = await dialThrough();
    proxy.cutAll("reset");
    await arrivals.until(() => first.client.closed === "reset" && first.far.closed === "reset");
    const second = await dialThrough();
    second.client.socket.write("hello");
    await arrivals.until(() => second.far.received === "hello");
    expect(proxy.accepted()).toBe(2);
  });

  test("a reset by the server reaches the client as a reset", async () => {
    const { client, far } = await dialThrough();
    far.socket.resetAndDestroy();
    await arrivals.until(() => client.closed !== "open");
    expect(client.closed).toBe("reset");
  });

  test("whoever connects is refused", async () => {
    proxy.set({ type: "refuse" });
    const socket = connect(proxy.port, "127.0.0.1");
    clients.push(socket);
    const seen = watch(socket);
    await arrivals.until(() => seen.closed !== "open");
    expect(served).toEqual([]);
  });
});

describe("half-open", () => {
  test("nothing passes, nobody is told, and a connection that lost bytes stays silent", async () => {
    const { client, far } = await dialThrough();
    proxy.set({ type: "half-open" });
    client.socket.write("lost");
    far.socket.end("lost too");
    await proxy.until(() => proxy.bytes().swallowed === 12);
    proxy.set({ type: "pass" });
    client.socket.write("and this");
    const other = await dialThrough();
    other.client.socket.write("new");
    await arrivals.until(() => other.far.received === "new");
    expect([client.received, client.ended, client.closed, far.received]).toEqual(["", false, "open", ""]);
  });

  test("a connection that was quiet meanwhile goes on", async () => {
    const { client, far } = await dialThrough();
    proxy.set({ type: "half-open" });
    proxy.set({ type: "pass" });
    client.socket.write("here");
    await arrivals.until(() => far.received !== "");
    expect(far.received).toBe("here");
  });
});

const ask = (path: string): string => `POST ${path} HTTP/1.1\r\n\r\n`;

describe("answers that are held", () => {
  test("the request arrives, its answer comes with the next mode; other answers pass", async () => {
    const [first, second] = [await dialThrough(), await dialThrough()];
    proxy.set({ type: "hold-answer", to: "POST /one " });
    first.client.socket.write(ask("/one"));
    second.client.socket.write(ask("/one/more"));
    await arrivals.until(() => first.far.received === ask("/one") && second.far.received === ask("/one/more"));
    first.far.socket.write("held");
    second.far.socket.write("passed");
    await proxy.until(() => proxy.held() === 1);
    await arrivals.until(() => second.client.received === "passed");
    expect(first.client.received).toBe("");
    expect(proxy.requests()).toEqual(["POST /one HTTP/1.1", "POST /one/more HTTP/1.1"]);
    proxy.set({ type: "pass" });
    await arrivals.until(() => first.client.received === "held");
    expect(proxy.held()).toBe(0);
  });

  test("what is held when all is cut is lost", async () => {
    const { client, far } = await dialThrough();
    proxy.set({ type: "hold-answer", to: "POST /one " });
    client.socket.write(ask("/one"));
    await arrivals.until(() => far.received === ask("/one"));
    far.socket.write("lost");
    await proxy.until(() => proxy.held() === 1);
    proxy.cutAll("reset");
    proxy.set({ type: "pass" });
    await arrivals.until(() => client.closed !== "open");
    expect([client.received, client.closed]).toEqual(["", "reset"]);
  });
});

describe("slowness", () => {
  test("a delay holds bytes back and keeps their order; the next mode releases them", async () => {
    const { client, far } = await dialThrough();
    proxy.set({ type: "delay", ms: 60, jitterMs: 0 });
    const startedAt = performance.now();
    client.socket.write("a");
    await arrivals.until(() => far.received === "a");
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(59);
    proxy.set({ type: "delay", ms: 3_600_000, jitterMs: 0 });
    client.socket.write("b");
    client.socket.write("c");
    const passing = arrivals.until(() => far.received === "abc");
    proxy.set({ type: "pass" });
    await passing;
  });

  test("a throttled direction trickles, the other does not, and the sender feels it", async () => {
    const { client, far } = await dialThrough();
    proxy.set({ type: "throttle", direction: "down", bytesPerSecond: 50 });
    const startedAt = performance.now();
    far.socket.write("x".repeat(20));
    client.socket.write("y".repeat(20_000));
    await arrivals.until(() => far.received.length === 20_000);
    await arrivals.until(() => client.received.length === 20);
    expect(performance.now() - startedAt).toBeGreaterThan(250);
    // 5 s of bytes at this speed come to more than every buffer on the way.
    proxy.set({ type: "throttle", direction: "down", bytesPerSecond: 1 });
    const flood = Buffer.alloc(64 * 1024, "z");
    let held = 0;
    while (far.socket.write(flood) || far.socket.writableLength < 1024 * 1024) {
      held += flood.length;
      if (held > 64 * 1024 * 1024) throw new Error("the sender was never held back");
    }
    expect(far.socket.writableLength).toBeGreaterThanOrEqual(1024 * 1024);
    expect(client.received.length).toBeLessThan(40);
  });
});
