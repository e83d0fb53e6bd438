import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  FROZEN_FORMAT,
  chainMessages,
  chainingMessages,
  checkFrozen,
  checkingFrozen,
} from "#shared/domain/frozen-content.ts";
import type { FrozenMessage, FrozenRun, Manifest } from "#shared/domain/frozen-content.ts";
import {
  FREEZE_BODY_BYTES,
  FREEZE_BODY_PARTS,
  MOST_FROZEN_MESSAGES,
  frozenMessageSchema,
} from "#shared/protocol/snapshot-bodies.ts";
import { RUN_FAILURE_CODES } from "#shared/domain/run.ts";
import { BODY_LIMIT_BYTES, parsingEach } from "#server/http/body.ts";
import { endedRun, newId, openSnapshotScene } from "#tests/support/snapshot-scene.ts";
import type { SnapshotScene } from "#tests/support/snapshot-scene.ts";

let scene: SnapshotScene;
beforeAll(async () => {
  scene = await openSnapshotScene();
});
afterAll(() => scene.close());

/** Content of so many messages, each answer with everything that may be known of one. */
function contentOf(count: number): { manifest: Manifest; messages: FrozenMessage[] } {
  const { runId: id, frame: _frame, failure: _failure, ...facts } = endedRun(1_000);
  const run: FrozenRun = {
    ...facts,
    id,
    provider: "openai",
    parameters: { temperature: 1, topP: 1, maxOutputTokens: 10 },
    failure: RUN_FAILURE_CODES[0],
    usage: {
      inputTokens: 1,
      outputTokens: 1,
      cachedTokens: 1,
      reasoningTokens: 1,
      source: "provider" as const,
      costMicroUsd: 1,
    },
    receipt: "r",
  };
  const { messages, hashes } = chainMessages(
    Array.from({ length: count }, (_, at) => ({
      id: newId(),
      role: "assistant" as const,
      author: "author",
      text: `[{"${at}",`,
      reasoning: "{,",
      createdAt: at,
      run,
    })),
  );
  const settings = { model: "", systemPrompt: "", parameters: {} };
  const origin = { snapshotId: newId(), contentId: "0".repeat(64) };
  const head = hashes.at(-1) ?? null;
  return { manifest: { format: FROZEN_FORMAT, settings, messageCount: count, head, origin }, messages };
}

const headers = { "content-type": "application/json", "x-account": "ada" };

/** How long it was until others had their turn, at most, while something was done; in ms. */
async function longestWait(work: () => Promise<unknown>): Promise<number> {
  let [longest, last, over] = [0, performance.now(), false];
  const look = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!over) setImmediate(look);
  };
  setImmediate(look);
  await work();
  over = true;
  return longest;
}

function msOf(work: () => unknown): number {
  const began = performance.now();
  work();
  return performance.now() - began;
}

test("the largest number of messages is taken, and others need not wait until they are checked and hashed", async () => {
  const { manifest, messages } = contentOf(MOST_FROZEN_MESSAGES);
  const parsed = (): boolean => messages.every((message) => frozenMessageSchema.safeParse(message).success);
  // How long it takes in one piece, on this machine and while other tests run.
  const inOnePiece = msOf(parsed) + msOf(() => checkFrozen({ manifest, messages }));
  const body = JSON.stringify({ id: newId(), conversationId: newId(), manifest, messages });
  let status = 0;
  const waited = await longestWait(async () => {
    const answer = await scene.app.request("/api/snapshots", { method: "POST", headers, body });
    status = answer.status;
    await answer.arrayBuffer();
  });
  process.stdout.write(`longest wait ${waited.toFixed(0)} ms, in one piece ${inOnePiece.toFixed(0)} ms\n`);
  expect(status).toBe(201);
  expect(waited).toBeLessThan(inOnePiece / 3);
}, 60_000);

function stepsOf(steps: Generator<void, unknown>): number {
  let count = 0;
  while (!steps.next().done) count++;
  return count;
}

test("each message is a step of its own, in which nothing else is done", () => {
  const { manifest, messages } = contentOf(50);
  expect(stepsOf(parsingEach(frozenMessageSchema, messages, "messages"))).toBe(50);
  expect(stepsOf(chainingMessages(messages))).toBe(50);
  // Writing a message as canonical JSON and hashing it are two.
  expect(stepsOf(checkingFrozen({ manifest, messages }))).toBe(100);
});

/** A body that was announced and arrives later. */
const heldBody = (text: string, held: Promise<unknown>): ReadableStream<Uint8Array> =>
  new ReadableStream({
    async pull(controller) {
      await held;
      controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });

test("of long bodies one of each account is taken at a time, and short ones do not wait for them", async () => {
  const { manifest, messages } = contentOf(1);
  const long = (): string =>
    JSON.stringify({ id: newId(), conversationId: newId(), manifest, messages }).padEnd(BODY_LIMIT_BYTES + 1);
  const answered: string[] = [];
  const post = async (name: string, account: string, text: string, body: BodyInit = text): Promise<void> => {
    const sent = { ...headers, "x-account": account, "content-length": String(text.length) };
    const init = { method: "POST", headers: sent, body, duplex: "half" } as RequestInit;
    const answer = await scene.app.request("/api/snapshots", init);
    answered.push(`${name} ${answer.status}`);
  };
  const text = long();
  const gate = new EventTarget();
  const first = post("first", "ada", text, heldBody(text, once(gate, "open")));
  const second = post("second", "ada", long());
  // As many as are frozen at once, and more, may be on their way.
  const slow = ["cleo", "dan", "eve"].map((name) => {
    const sent = long();
    return post("slow", name, sent, heldBody(sent, once(gate, "open")));
  });
  await post("of another", "ben", long());
  await post("short", "ada", long().trimEnd());
  expect(answered).toEqual(["of another 201", "short 201"]);
  gate.dispatchEvent(new Event("open"));
  await Promise.all([first, second, ...slow]);
  expect(answered.filter((one) => !one.startsWith("slow"))).toEqual([
    "of another 201",
    "short 201",
    "first 201",
    "second 201",
  ]);
  expect(answered).toHaveLength(7);
});

test("a body of so many parts that parsing it would hold up everybody is not parsed", async () => {
  const objects = `{"messages":[${"{},".repeat(FREEZE_BODY_BYTES / 3 - 20)}{}]}`;
  const answer = await scene.app.request("/api/snapshots", { method: "POST", headers, body: objects });
  expect([answer.status, (await answer.json()) as unknown]).toMatchObject([413, { code: "body_too_large" }]);
  const numbers = `{"messages":[${"1,".repeat(FREEZE_BODY_PARTS.commas + 1)}1]}`;
  expect((await scene.app.request("/api/snapshots", { method: "POST", headers, body: numbers })).status).toBe(413);
  const names = JSON.stringify(Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`name-${at}`, 1])));
  expect((await scene.app.request("/api/snapshots", { method: "POST", headers, body: names })).status).toBe(413);
});

test("the first message that is none is named, and more of them than a snapshot has are refused", async () => {
  const { manifest, messages } = contentOf(4);
  const sent = messages.map((message, at) => (at < 2 ? message : { ...message, text: 1 }));
  const wrong = await scene.send("POST", "/api/snapshots", {
    id: newId(),
    conversationId: newId(),
    manifest,
    messages: sent,
  });
  expect([wrong.status, await wrong.json()]).toMatchObject([
    400,
    { code: "invalid_body", detail: "messages.2.text: invalid_type" },
  ]);
  const many = {
    id: newId(),
    conversationId: newId(),
    manifest,
    messages: Array.from({ length: MOST_FROZEN_MESSAGES + 1 }, () => 1),
  };
  const refused = await scene.send("POST", "/api/snapshots", many);
  expect([refused.status, await refused.json()]).toMatchObject([
    400,
    { code: "invalid_body", detail: "messages: custom" },
  ]);
});
