import { once } from "node:events";
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Agent } from "undici";
import { afterEach, expect, test, vi } from "vitest";
import { OpenedResponse, Unanswered, createBoundFetch } from "./provider-fetch.ts";

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

/** A provider that answers as told; answers where, and the connections it was called on. */
async function openProvider(respond: (response: ServerResponse) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    sockets.add(request.socket);
    response.writeHead(200, { "content-type": "text/event-stream" });
    respond(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const agent = new Agent();
  closing.push(() => {
    void agent.destroy();
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const send = createBoundFetch(url, undefined, agent);
  /** Asks, and reads until `text` came. */
  async function ask(text: string) {
    const response = await send(`${url}/chat`, { method: "POST", body: "{}" });
    if (!(response instanceof OpenedResponse)) throw new Error("refused");
    const { content } = response;
    let seen = "";
    await new Promise<void>((resolve) => {
      content.read({
        data(bytes) {
          seen += Buffer.from(bytes).toString("utf8");
          if (seen.includes(text)) resolve();
        },
        ended: () => resolve(),
      });
    });
    return content;
  }
  return { ask, sockets, running: () => agent.stats[url]?.running };
}

test("an answer that said all is read to its end, so that the next call has its connection", async () => {
  const { ask, sockets, running } = await openProvider((response) => {
    response.write("data: [DONE]\n\n");
    setTimeout(() => response.end("\n"), 50);
  });
  for (let call = 0; call < 3; call++) {
    (await ask("[DONE]")).leave();
    await expect.poll(running).toBe(0);
  }
  expect(sockets.size).toBe(1);
});

test("an answer that said all and does not end loses its connection after a second", async () => {
  const { ask, sockets } = await openProvider((response) => void response.write("data: [DONE]\n\n"));
  const body = await ask("[DONE]");
  const [socket] = sockets;
  const closed = once(socket!, "close").then(() => performance.now());
  const leftAt = performance.now();
  body.leave();
  expect((await closed) - leftAt).toBeGreaterThan(900);
});

test("an answer that is not wanted any more loses its connection at once", async () => {
  const { ask, sockets } = await openProvider((response) => void response.write("data: 1\n\n"));
  const body = await ask("data");
  const [socket] = sockets;
  const closed = once(socket!, "close");
  body.discard();
  expect(await closed).toHaveLength(1);
});

test("whoever gives up while the connection is being made is told so, and not kept waiting for it", async () => {
  const connect = vi.fn<() => void>();
  const agent = new Agent({ connect });
  closing.push(() => void agent.destroy());
  const controller = new AbortController();
  const asked = createBoundFetch(
    "http://provider.test",
    undefined,
    agent,
  )("http://provider.test/chat", {
    method: "POST",
    body: "{}",
    signal: controller.signal,
  });
  await vi.waitFor(() => expect(connect).toHaveBeenCalled());
  controller.abort();
  await expect(asked).rejects.toMatchObject({ found: "no_answer" });
  await expect(asked).rejects.toBeInstanceOf(Unanswered);
});
