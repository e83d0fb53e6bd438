import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { createAnnouncement, deferred, wait } from "./waiting.ts";

/** `up`: from the client to the server. */
export type Direction = "up" | "down";

/** What the proxy does with every connection, those that are open included, from the moment it is set. */
export type ProxyMode =
  | { type: "pass" }
  /** Lets so many more bytes of one direction through on each connection, then cuts it. */
  | { type: "cut"; direction: Direction; afterBytes: number; how: Cut }
  /** Lets half of the next chunk of one direction through, then resets: a frame is cut in its middle. */
  | { type: "cut-mid-chunk"; direction: Direction }
  /** Swallows both ways and says nothing of it; a connection that lost bytes so stays silent for good. */
  | { type: "half-open" }
  /** Holds each chunk back for `ms` and up to `jitterMs` more; order is kept, one chunk at a time. */
  | { type: "delay"; ms: number; jitterMs: number }
  /** Takes so many bytes a second from one side; the sender feels it as a reader that is slow. */
  | { type: "throttle"; direction: Direction; bytesPerSecond: number }
  /** Keeps the answers to HTTP requests that begin so, e.g. "POST /api/snapshots ", until another mode is set. */
  | { type: "hold-answer"; to: string }
  /** Resets whoever connects. */
  | { type: "refuse" };

/** `end`: both sides are told in good order (FIN); `reset`: as a crashed host does (RST). */
export type Cut = "end" | "reset";

export type TcpProxy = Awaited<ReturnType<typeof openTcpProxy>>;

interface Link {
  client: Socket;
  server: Socket;
  /** `silent`: lost bytes, so it says and passes on nothing any more; `over`: cut */
  state: "open" | "silent" | "over";
  /** bytes of the cut's direction let through since that cut was set */
  counted: { of: ProxyMode; bytes: number };
  /** the line of the HTTP request that came last; "" before there was one */
  request: string;
}

const REQUEST_LINE = /^[A-Z]+ \S+ HTTP\/1\.1(?=\r\n)/u;
/** Longest request line that is noticed, in bytes. */
const LONGEST_LINE = 2_048;
const SLICES_PER_SECOND = 10;

/**
 * Stands between clients and a server on this machine and breaks their connections as a network does.
 * @param random a number in [0, 1), for the jitter
 */
export async function openTcpProxy(target: number, random: () => number = Math.random) {
  const links = new Set<Link>();
  const changes = createAnnouncement();
  let mode: ProxyMode = { type: "pass" };
  let modeEnds = new AbortController();
  let accepted = 0;
  let held = 0;
  const requests: string[] = [];
  const bytes = { up: 0, down: 0, swallowed: 0 };

  const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    accepted += 1;
    if (mode.type === "refuse") return reset(client);
    link(client);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;

  function link(client: Socket): void {
    const server = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true });
    const made: Link = { client, server, state: "open", counted: { of: mode, bytes: 0 }, request: "" };
    links.add(made);
    client.setNoDelay(true);
    server.setNoDelay(true);
    pump(made, client, server, "up");
    pump(made, server, client, "down");
    changes.announce();
  }

  function pump(on: Link, from: Socket, to: Socket, direction: Direction): void {
    from.on("data", (chunk: Buffer) => {
      from.pause();
      void deliver(on, to, direction, chunk).then(() => from.resume());
    });
    from.on("end", () => on.state === "open" && to.end());
    from.on("error", () => undefined); // `close` follows, and is what counts
    from.on("close", (broken) => {
      if (on.state === "open" && broken) reset(to);
      else if (on.state === "open") to.end();
      if (on.client.destroyed && on.server.destroyed) links.delete(on);
      changes.announce();
    });
    from.resume();
  }

  async function deliver(on: Link, to: Socket, direction: Direction, chunk: Buffer): Promise<void> {
    if (direction === "up") noteRequest(on, chunk);
    let rest = chunk;
    while (rest.length > 0 && !to.destroyed && on.state === "open") rest = await step(on, to, direction, rest);
    if (on.state === "silent") bytes.swallowed += rest.length;
    changes.announce();
  }

  /** Browsers write the head of a request in one piece, after all of the one before it. */
  function noteRequest(on: Link, chunk: Buffer): void {
    const [line] = REQUEST_LINE.exec(chunk.toString("latin1", 0, LONGEST_LINE)) ?? [];
    if (line === undefined) return;
    on.request = line;
    requests.push(line);
  }

  /** Does with a chunk what the mode of this moment says; answers what is left of it. */
  async function step(on: Link, to: Socket, direction: Direction, chunk: Buffer): Promise<Buffer> {
    const now = mode;
    const whole = chunk.length;
    if ("direction" in now && now.direction !== direction) return send(to, direction, chunk, whole);
    switch (now.type) {
      case "pass":
      case "refuse":
        return send(to, direction, chunk, whole);
      case "half-open":
        on.state = "silent";
        return chunk;
      case "delay":
        await wait(now.ms + random() * now.jitterMs, modeEnds.signal);
        return mode === now ? send(to, direction, chunk, whole) : chunk;
      case "throttle":
        return trickle(to, direction, chunk, now.bytesPerSecond);
      case "hold-answer":
        return isHeld(on, direction, now.to) ? hold(chunk) : send(to, direction, chunk, whole);
      case "cut-mid-chunk":
        await send(to, direction, chunk, Math.floor(whole / 2));
        cut(on, "reset");
        return chunk;
      case "cut":
        return countDown(on, to, chunk, now);
    }
  }

  async function send(to: Socket, direction: Direction, chunk: Buffer, count: number): Promise<Buffer> {
    bytes[direction] += count;
    if (count > 0 && !to.write(chunk.subarray(0, count))) await flowing(to);
    return chunk.subarray(count);
  }

  async function trickle(to: Socket, direction: Direction, chunk: Buffer, bytesPerSecond: number): Promise<Buffer> {
    const count = Math.min(chunk.length, Math.max(1, Math.floor(bytesPerSecond / SLICES_PER_SECOND)));
    const rest = await send(to, direction, chunk, count);
    await wait((count / bytesPerSecond) * 1000, modeEnds.signal);
    return rest;
  }

  async function hold(chunk: Buffer): Promise<Buffer> {
    held += 1;
    changes.announce();
    await aborted(modeEnds.signal);
    held -= 1;
    return chunk;
  }

  async function countDown(
    on: Link,
    to: Socket,
    chunk: Buffer,
    now: Extract<ProxyMode, { type: "cut" }>,
  ): Promise<Buffer> {
    if (on.counted.of !== now) on.counted = { of: now, bytes: 0 };
    const left = now.afterBytes - on.counted.bytes;
    const count = Math.min(left, chunk.length);
    on.counted.bytes += count;
    const rest = await send(to, now.direction, chunk, count);
    if (on.counted.bytes >= now.afterBytes) cut(on, now.how);
    return rest;
  }

  function cut(on: Link, how: Cut): void {
    on.state = "over";
    for (const socket of [on.client, on.server]) {
      if (how === "reset") reset(socket);
      else socket.destroySoon();
    }
  }

  return {
    port,
    /** as a browser would write it; cookies and origins of it are its own */
    url: `http://localhost:${port}`,
    set(next: ProxyMode): void {
      mode = next;
      modeEnds.abort();
      modeEnds = new AbortController();
    },
    /** Cuts every connection that is open now. */
    cutAll(how: Cut): void {
      for (const on of links) cut(on, how);
    },
    /** connections that are open on either side */
    open: (): number => links.size,
    /** connections taken since the beginning */
    accepted: (): number => accepted,
    /** answers that are held now */
    held: (): number => held,
    /** the lines of the HTTP requests taken since the beginning, e.g. "GET /api/me HTTP/1.1" */
    requests: (): readonly string[] => [...requests],
    /** bytes let through and swallowed since the beginning */
    bytes: (): Readonly<typeof bytes> => ({ ...bytes }),
    /** Resolves when the condition holds; it is looked at after each connection, chunk and end. */
    until: changes.until,
    async close(): Promise<void> {
      modeEnds.abort();
      const closed = once(listener, "close");
      listener.close();
      for (const { client, server } of links) {
        client.destroy();
        server.destroy();
      }
      await closed;
    },
  };
}

const isHeld = ({ request }: Link, direction: Direction, to: string): boolean =>
  direction === "down" && request.startsWith(to);

/** RST and nothing before it: Node's own `resetAndDestroy` says goodbye with a FIN first. */
function reset(socket: Socket): void {
  Object.assign(socket, { resetAndClosing: true }).destroy();
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = deferred();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}

function flowing(socket: Socket): Promise<void> {
  const { promise, resolve } = deferred();
  socket.once("drain", resolve);
  socket.once("close", resolve);
  return promise.finally(() => {
    socket.off("drain", resolve);
    socket.off("close", resolve);
  });
}
