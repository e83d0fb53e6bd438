import type * as threadsOfNode from "node:worker_threads";
import { afterEach, expect, test, vi } from "vitest";
import { countTokens } from "./token-estimate.ts";
import { openTokenThread } from "./token-thread.ts";
import type { TokenThread } from "./token-thread.ts";

const noThreads = vi.hoisted(() => ({ error: undefined as Error | undefined }));
vi.mock("node:worker_threads", async (original) => {
  const actual = await original<typeof threadsOfNode>();
  class Worker extends actual.Worker {
    constructor(...options: ConstructorParameters<typeof actual.Worker>) {
      if (noThreads.error) throw noThreads.error;
      super(...options);
    }
  }
  return { ...actual, Worker };
});

const threads: TokenThread[] = [];
const troubles: Error[] = [];
function openThread(): TokenThread {
  const thread = openTokenThread((error) => void troubles.push(error));
  threads.push(thread);
  return thread;
}
afterEach(async () => {
  for (const thread of threads.splice(0)) await thread.close();
});

test("texts are counted as they are on the event loop, each answered with its own count", async () => {
  const thread = openThread();
  const texts = ["", "one", "The quick brown fox jumps over the lazy dog. ".repeat(50), "敏捷的棕色狐狸"];
  const counted = await Promise.all(texts.map((text) => thread.count(text)));
  expect(counted).toEqual(await Promise.all(texts.map((text) => countTokens(text))));
  expect(troubles).toEqual([]);
});

test("a thread that ends is no end of counting: what waited is answered by its length, and the next text is counted", async () => {
  const thread = openThread();
  const text = "The quick brown fox jumps over the lazy dog. ".repeat(50);
  const exact = await countTokens(text);
  const waiting = thread.count(text);
  await thread.close();
  expect(await waiting).toBe(Math.ceil(text.length / 4));
  expect(await thread.count(text)).toBe(exact);
});

test("where no thread can be started a text is answered by its length, and the next one is counted", async () => {
  const thread = openThread();
  const text = "The quick brown fox jumps over the lazy dog. ".repeat(50);
  noThreads.error = new Error("no more threads");
  expect(await thread.count(text)).toBe(Math.ceil(text.length / 4));
  expect(troubles.splice(0)).toEqual([noThreads.error]);
  noThreads.error = undefined;
  expect(await thread.count(text)).toBe(await countTokens(text));
});
