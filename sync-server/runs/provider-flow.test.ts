import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { memoryUsage } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent } from "undici";
import { afterEach, expect, test } from "vitest";
import { MOST_WAITING_BYTES, openPartStream } from "./part-stream.ts";
import type { Batches } from "./part-stream.ts";
import type { BodyReader } from "./provider-body.ts";
import { OpenedResponse, createBoundFetch } from "./provider-fetch.ts";
import type { ProviderPart } from "./provider.ts";

const closing: (() => void)[] = [];
// What undici throws out of a socket's event fails the run of the tests, whichever test it comes in.
afterEach(() => closing.splice(0).forEach((close) => close()));

/** Not `once`, which rejects where the connection was reset. */
const closeOf = (socket: Socket): Promise<true> =>
  new Promise((resolve) => void socket.once("close", () => resolve(true)));

const event = (text: string): string => `data: ${JSON.stringify({ choices: [{ delta: { content: text } }] })}\n\n`;
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
const asIs = (text: string): string => text;

/** How an answer says where it ends. */
const FRAMINGS = {
  "keep-alive": { head: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n", frame: chunk },
  "connection: close": { head: "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n", frame: chunk },
  "nothing but its end": { head: "HTTP/1.1 200 OK\r\n", frame: asIs },
  "HTTP/1.0": { head: "HTTP/1.0 200 OK\r\n", frame: asIs },
} as const;
type Framing = keyof typeof FRAMINGS;

/** A provider that writes by hand. Answers its connection, how to write an answer, and the reader's end of it. */
async function openProvider(framing: Framing) {
  const { head, frame } = FRAMINGS[framing];
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const agent = new Agent();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const connected = once(server, "connection") as Promise<[Socket]>;
  const asked = createBoundFetch(url, undefined, agent)(`${url}/chat`, { method: "POST", body: "{}" });
  const [socket] = await connected;
  socket.on("error", () => undefined);
  closing.push(() => {
    void agent.destroy();
    socket.destroy();
    server.close();
  });
  const write = (text: string): Promise<void> =>
    new Promise((resolve) => void socket.write(frame(text), () => resolve()));
  await once(socket, "data");
  socket.write(`${head}content-type: text/event-stream\r\n\r\n`);
  const response = await asked;
  if (!(response instanceof OpenedResponse)) throw new Error("refused");
  return { socket, write, batches: openPartStream(response.content) };
}

async function next(batches: Batches): Promise<readonly ProviderPart[] | undefined> {
  return (await batches.next()).value;
}

/** Everything that is still to come. */
async function rest(batches: Batches): Promise<ProviderPart[]> {
  const parts: ProviderPart[] = [];
  for (let batch = await next(batches); batch !== undefined; batch = await next(batches)) parts.push(...batch);
  return parts;
}

const textOf = (parts: readonly ProviderPart[]): string =>
  parts.map((part) => (part.type === "text" ? part.text : "")).join("");

const ways = (Object.keys(FRAMINGS) as Framing[]).flatMap((framing) =>
  (["closes", "resets"] as const).map((ending) => ({ framing, ending })),
);

test.each(ways)(
  "a provider that $ending while its reader is busy ends its answer and nothing else: $framing",
  async ({ framing, ending }) => {
    const { socket, write, batches } = await openProvider(framing);
    expect(await next(batches)).toEqual([{ type: "open" }]);
    // The last one is more than a reader took before it had the provider wait.
    const pieces = Array.from({ length: 17 }, (_, index) => `${index} `.padEnd(16_000, "x"));
    const gone = closeOf(socket);
    for (const piece of pieces) await write(event(piece));
    await sleep(100);
    if (ending === "closes") socket.end();
    else socket.resetAndDestroy();
    await gone;
    const parts = await rest(batches);
    const whole = pieces.join("");
    if (ending === "closes") expect(textOf(parts) === whole).toBe(true);
    else expect(whole.startsWith(textOf(parts))).toBe(true);
    if (framing === "keep-alive") expect(parts.at(-1)).toEqual({ type: "failed", failure: { class: "cut" } });
  },
);

test("an event longer than a batch, sent while the reader was busy, is read to its end", async () => {
  const { write, batches } = await openProvider("keep-alive");
  expect(await next(batches)).toEqual([{ type: "open" }]);
  const long = "x".repeat(600_000);
  const written = write(event(long));
  await sleep(200);
  expect(textOf((await next(batches)) ?? []) === long).toBe(true);
  await written;
});

test.each(Object.keys(FRAMINGS) as Framing[])(
  "a provider that floods a reader who is busy is left, and what waited is handed over in batches: %s",
  async (framing) => {
    const { socket, write, batches } = await openProvider(framing);
    expect(await next(batches)).toEqual([{ type: "open" }]);
    const left = closeOf(socket);
    const flood = async (): Promise<void> => {
      while (!socket.destroyed) await write(event("x".repeat(64 * 1024)));
    };
    await Promise.all([flood(), left]);
    let kept = 0;
    let last: readonly ProviderPart[] = [];
    for (let batch = await next(batches); batch !== undefined; batch = await next(batches)) {
      expect(textOf(batch).length).toBeLessThan(384 * 1024);
      kept += textOf(batch).length;
      last = batch;
    }
    expect(last).toEqual([{ type: "failed", failure: { class: "log" } }]);
    expect(kept).toBeGreaterThan(MOST_WAITING_BYTES / 2);
    expect(kept).toBeLessThanOrEqual(MOST_WAITING_BYTES);
  },
);

test("a piece that waits keeps nothing of what was read with it", () => {
  let reader: BodyReader | undefined;
  openPartStream({
    begin() {},
    take() {},
    end() {},
    read: (by) => void (reader = by),
    discard() {},
    leave() {},
  });
  const before = memoryUsage().arrayBuffers;
  // 512 MB read, of which a byte each is content.
  for (let i = 0; i < 8000; i++) reader?.data(new Uint8Array(64 * 1024).subarray(7, 8));
  expect(memoryUsage().arrayBuffers - before).toBeLessThan(256 * 1024 * 1024);
});
