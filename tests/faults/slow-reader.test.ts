import { readFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { answer } from "#tests/support/provider-behaviour.ts";
import { HOOK_MS, LEDGER_OF, openFaultScene } from "./fault-scene.ts";
import type { Chat, FaultScene, LedgerRow } from "./fault-scene.ts";

/** how many read one answer at 1 byte/s */
const READERS = 60;
/** what the server may grow by: 16 MB of buffers, and an answer of 12 MB in several shapes before it is collected; 390 MB where it waits for nobody */
const GROWTH_MB = 250;
/**
 * 2 MB of text, the most an answer may have, and 12 MB as events, for JSON writes six bytes for each of these: more
 * than the system's own buffers take of a connection (about 4 MB), so that copies kept by the server would be seen.
 */
const words = Array.from({ length: 2000 }, (_, index) => `${index} ${"\u0001".repeat(990)}`);

let scene: FaultScene;
beforeAll(async () => {
  scene = await openFaultScene();
}, HOOK_MS);
afterEach(() => scene.proxy.set({ type: "pass" }));
afterAll(async () => {
  await scene?.close();
});

function rssMb(): number {
  const status = readFileSync(`/proc/${scene.server.pid()}/status`, "utf8");
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
}

/** Asks for a run's events on a connection of its own, of which nobody reads the answer faster than the proxy lets it. */
function attach({ runId }: Chat): { socket: Socket; received: () => number; closed: Promise<void> } {
  const socket = connect(scene.proxy.port, "127.0.0.1");
  let received = 0;
  socket.on("data", (bytes: Buffer) => (received += bytes.length));
  socket.on("error", () => undefined); // being dropped is an answer
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.write(
    `GET /api/runs/${runId}/events HTTP/1.1\r\nhost: localhost:${scene.proxy.port}\r\ncookie: ${scene.guest.cookie}\r\naccept: text/event-stream\r\n\r\n`,
  );
  return { socket, received: () => received, closed };
}

test(
  `D6: ${READERS} readers at 1 byte/s hold nothing up: the answer ends and is booked, memory stays bounded, others read at full speed`,
  { timeout: 120_000 },
  async () => {
    const { proxy, provider } = scene;
    const warm = await scene.openChat();
    expect((await scene.put(warm)).status).toBe(201);
    await scene.endOf(warm.runId);

    const chat = await scene.openChat();
    provider.script(answer(words, { pace: "gated" }));
    expect((await scene.put(chat)).status).toBe(201);
    const before = rssMb();
    const slow = Array.from({ length: READERS }, () => attach(chat));
    await proxy.until(() => proxy.open() >= READERS);
    await expect.poll(() => slow.every(({ received }) => received() > 0), { timeout: 30_000 }).toBe(true);
    proxy.set({ type: "throttle", direction: "down", bytesPerSecond: 1 });
    // Everybody else comes by another way.
    const fast = scene.follow(chat.runId, scene.server.url);
    await fast.until(() => fast.status() === "streaming");
    let highest = before;
    const looking = setInterval(() => (highest = Math.max(highest, rssMb())), 50);
    const startedAt = performance.now();
    await provider.release(Infinity, await callOf(chat));
    await fast.ended();
    clearInterval(looking);
    const tookMs = Math.round(performance.now() - startedAt);

    const text = words.join("");
    expect(fast.text() === text && fast.neverWentBack()).toBe(true);
    expect(fast.status()).toBe("completed");
    expect(scene.read<LedgerRow>(LEDGER_OF, chat.runId)).toMatchObject([{ outcome: "completed", source: "provider" }]);
    expect(scene.callsFor(chat.prompt)).toBe(1);
    const read = slow.reduce((sum, { received }) => sum + received(), 0);
    process.stdout.write(
      `D6: ${Math.round(text.length / 1000)} kB in ${tookMs} ms beside ${READERS} readers who took ${read} bytes; RSS ${before} -> ${highest} MB\n`,
    );
    // They really were slow, and the server kept no copy for each.
    expect(read).toBeLessThan((READERS * text.length) / 10);
    expect(highest - before).toBeLessThan(GROWTH_MB);
    for (const { socket } of slow) socket.destroy();
  },
);

/** The index of the one call for a chat, once it has come. */
async function callOf({ prompt }: Chat): Promise<number> {
  await expect.poll(() => scene.requestsFor(prompt).length, { timeout: 20_000 }).toBe(1);
  return scene.requestsFor(prompt)[0]!.index;
}

test(
  "D6, P2: a reader who leaves does not end the answer: it is finished, booked once, and there for whoever comes",
  { timeout: 60_000 },
  async () => {
    const { provider, proxy } = scene;
    const chat = await scene.openChat();
    provider.script(answer("one two three four", { pace: "gated" }));
    expect((await scene.put(chat)).status).toBe(201);
    const index = await callOf(chat);
    const leaver = attach(chat);
    await provider.release(2, index);
    await expect.poll(() => leaver.received(), { timeout: 20_000 }).toBeGreaterThan(150);
    leaver.socket.resetAndDestroy();
    await leaver.closed;
    proxy.cutAll("reset");
    await provider.release(Infinity, index);
    expect(await provider.requests[index]!.closed).toBe("answered");
    const reader = scene.follow(chat.runId);
    await reader.ended();
    expect([reader.status(), reader.text()]).toEqual(["completed", "one two three four"]);
    expect(scene.read<LedgerRow>(LEDGER_OF, chat.runId)).toMatchObject([{ outcome: "completed", source: "provider" }]);
    expect(scene.callsFor(chat.prompt)).toBe(1);
  },
);
