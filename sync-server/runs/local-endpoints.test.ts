import { once } from "node:events";
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { readModelNames } from "./local-endpoints.ts";

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

/** The names read of an endpoint that answers like this. */
async function namesOf(answer: RequestListener): Promise<string[] | undefined> {
  const server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return readModelNames(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`, "sk-test", 30_000);
}

/** A list of one model, this long at least. */
const listOf = (length: number): string => JSON.stringify({ data: [{ id: "one" }], more: "x".repeat(length) });

test("a list is asked for as it is, and read piece by piece", async () => {
  const asked: unknown[] = [];
  const names = await namesOf(({ url, headers }, response) => {
    asked.push([url, headers["accept-encoding"], headers.authorization]);
    const list = listOf(1000);
    response.write(list.slice(0, 20));
    response.end(list.slice(20));
  });
  expect(names).toEqual(["one"]);
  expect(asked).toEqual([["/v1/models", "identity", "Bearer sk-test"]]);
});

test.each<[string, RequestListener]>([
  ["says so", (_, response) => void response.end(listOf(5_000_000))],
  [
    "does not say so",
    (_, response) => {
      response.write(" ");
      response.end(listOf(5_000_000));
    },
  ],
  [
    "is packed, though that was not asked for",
    (_, response) => void response.setHeader("content-encoding", "gzip").end(gzipSync(listOf(5_000_000))),
  ],
])("a list that is too long and %s is not read", async (_, answer) => {
  expect(await namesOf(answer)).toBeUndefined();
});

test("an endpoint that does not stop writing is left long before its time is up", async () => {
  const before = performance.now();
  const names = await namesOf((_, response) => {
    const write = (): void => {
      while (!response.destroyed && response.write(listOf(64 * 1024)));
    };
    response.on("drain", write);
    write();
  });
  expect(names).toBeUndefined();
  expect(performance.now() - before).toBeLessThan(20_000);
});
