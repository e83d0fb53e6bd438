import { once } from "node:events";
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createSelfSignedCertificate } from "#tests/support/self-signed-certificate.ts";
import { openHarness } from "./run-harness.ts";
import type { HarnessOptions } from "./run-harness.ts";

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const server of opened.splice(0)) server.close();
});

/** Listens on a free port and counts connections. */
async function listen(server: Server): Promise<{ port: number; connections: () => number }> {
  let connections = 0;
  server.on("connection", () => void (connections += 1));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  opened.push(server);
  return { port: (server.address() as AddressInfo).port, connections: () => connections };
}

const listenHttp = (answer: RequestListener) => listen(createServer({ keepAlive: false }, answer));

async function runAgainst(baseUrl: string, options: HarnessOptions = {}) {
  const relay = await openHarness({ baseUrl, apiKey: "sk-test", ...options });
  const snapshot = await relay.finished(await relay.start(await relay.prompt("CANARY-PROMPT")));
  await relay.close();
  expect(relay.logged.join("")).not.toMatch(/CANARY|sk-test/u);
  return snapshot;
}

test.each([301, 302, 307, 308])("row 18: a redirect (%i) is never followed and never tried again", async (status) => {
  const asked: string[] = [];
  const elsewhere = await listenHttp((request, response) => {
    asked.push(`elsewhere ${request.method}`);
    response.end();
  });
  const { port } = await listenHttp((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(status, { location: `http://127.0.0.1:${elsewhere.port}/v1/chat/completions` }).end();
  });
  expect(await runAgainst(`http://127.0.0.1:${port}/v1`)).toMatchObject({
    state: "failed",
    attempts: 1,
    failure: { code: "bad_response" },
  });
  expect(asked.filter((line) => line.startsWith("POST"))).toEqual(["POST /v1/chat/completions"]);
  expect(asked.join()).not.toContain("elsewhere");
});

test.each([
  ["no event stream", { "content-type": "text/html" }],
  ["a packed one", { "content-type": "text/event-stream", "content-encoding": "gzip" }],
  ["one packed twice", { "content-type": "text/event-stream", "content-encoding": "identity, br" }],
])("a 200 that is %s is left at its headers, body or not, and never tried again", async (_, headers) => {
  const left: Promise<unknown>[] = [];
  const { port } = await listenHttp((request, response) => {
    if (request.method !== "POST") return void response.end();
    left.push(once(response, "close"));
    response.writeHead(200, headers).flushHeaders();
  });
  expect(await runAgainst(`http://127.0.0.1:${port}/v1`)).toMatchObject({
    state: "failed",
    attempts: 1,
    failure: { code: "bad_response" },
  });
  expect(left).toHaveLength(1);
  await Promise.all(left);
});

test("a body that says it is not packed is read", async () => {
  const { port } = await listenHttp((_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream", "content-encoding": "Identity" });
    response.end('data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
  });
  expect(await runAgainst(`http://127.0.0.1:${port}/v1`)).toMatchObject({ state: "completed", text: "Hi" });
});

test("a certificate nobody vouches for is never tried again, and the key is not sent", async () => {
  const requests: string[] = [];
  const { port } = await listen(
    createHttpsServer(createSelfSignedCertificate(), (request) => void requests.push(request.url ?? "")),
  );
  expect(await runAgainst(`https://127.0.0.1:${port}/v1`)).toMatchObject({
    state: "failed",
    attempts: 1,
    failure: { code: "provider_unreachable", retryable: false },
  });
  expect(requests).toEqual([]);
});

test("a port that speaks plain HTTP where https is asked for is never tried again", async () => {
  const { port } = await listenHttp((_, response) => response.end());
  expect(await runAgainst(`https://127.0.0.1:${port}/v1`)).toMatchObject({
    attempts: 1,
    failure: { code: "provider_unreachable", retryable: false },
  });
});

test("what answers with something that is not HTTP is never tried again", async () => {
  const { port } = await listen(
    createTcpServer((socket) => void socket.once("data", () => socket.end("SSH-2.0-OpenSSH_9.2\r\n"))),
  );
  expect(await runAgainst(`http://127.0.0.1:${port}/v1`)).toMatchObject({
    attempts: 1,
    failure: { code: "bad_response" },
  });
});

test("a connection that is closed before an answer is tried twice more", async () => {
  const { port } = await listen(createTcpServer((socket) => void socket.once("data", () => socket.resetAndDestroy())));
  expect(await runAgainst(`http://127.0.0.1:${port}/v1`)).toMatchObject({
    attempts: 3,
    failure: { code: "provider_unreachable" },
  });
});
