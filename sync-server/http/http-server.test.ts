import { once } from "node:events";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createHttpServer } from "./http-server.ts";

let server: Server;
let release: (() => void) | undefined;

beforeAll(async () => {
  server = createHttpServer(async () => {
    await new Promise<void>((resolve) => (release = resolve));
    return new Response("whole");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => void server.close());

/** What comes back for these bytes until the server ends the connection. */
async function answerTo(bytes: string): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  let text = "";
  socket.on("data", (data: Buffer) => (text += data.toString()));
  socket.on("error", () => undefined); // a cut is an answer
  socket.write(bytes);
  await once(socket, "close");
  return text;
}

test.each([
  ["what is no HTTP", "NONSENSE\r\n\r\n", 400, "malformed_request"],
  ["a missing host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400, "malformed_request"],
  ["an impossible host", "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", 400, "malformed_request"],
  ["headers of 70 kB", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(70_000)}\r\n\r\n`, 431, "headers_too_large"],
])("%s is answered by a problem that no cache keeps", async (_, bytes, status, code) => {
  const text = await answerTo(bytes);
  expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(text.toLowerCase()).toContain("content-type: application/problem+json");
  expect(text.toLowerCase()).toContain("cache-control: no-store");
  expect(text).toContain(`"code":"${code}"`);
});

test("bytes that are no HTTP after a request cut its connection, and add nothing to its answer", async () => {
  const text = await answerTo("GET / HTTP/1.1\r\nHost: a\r\n\r\nNONSENSE\r\n\r\n");
  release?.();
  expect(text).toBe("");
});
