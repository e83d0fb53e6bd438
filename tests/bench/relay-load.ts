import { Agent, request } from "node:http";
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { readAnswer } from "./relay-answer.ts";
import { textOf } from "./relay-text.ts";

// A process that plays many people at once with plain `node:http`: takes a load as a message, answers with what it saw.

export interface Load {
  /** a provider's base URL, or the server's */
  url: string;
  /** absent where the provider (or a pipe to it) is called without us */
  relay: { cookie: string; provider: string; conversations: readonly Conversation[] } | undefined;
  /** how many ask at the same time, and how often each of them asks, one answer after the other */
  slots: number;
  runs: number;
  /** the first questions come spread over this time */
  spreadMs: number;
  tokens: number;
  everyMs: number;
}

export interface Conversation {
  conversationId: string;
  parentMessageId: string;
}

/** What one load was like for those who asked. */
export interface Seen {
  /** ms from the question to the first token, of each answer */
  firstMs: number[];
  elapsedMs: number;
  tokens: number;
  bytes: number;
  /** answers that were not, byte for byte, what the provider writes */
  short: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
const newId = (): string => createUuidV7(Date.now(), (length) => crypto.getRandomValues(new Uint8Array(length)));

function questionOf({ url, relay, tokens, everyMs }: Load, slot: number) {
  const model = `t${tokens}e${everyMs}`;
  const messages = [{ role: "user", content: "Hello?" }];
  if (relay === undefined)
    return {
      url: `${url}/chat/completions`,
      method: "POST",
      headers: {},
      body: { model, stream: true, stream_options: { include_usage: true }, messages },
    };
  const { cookie, provider, conversations } = relay;
  return {
    url: `${url}/api/runs/${newId()}`,
    method: "PUT",
    headers: { cookie, origin: url, accept: "text/event-stream" },
    body: { ...conversations[slot], messageId: newId(), model: `${provider}/${model}`, parameters: {} },
  };
}

interface Answered {
  bytes: Buffer;
  firstMs: number | undefined;
  whole: boolean;
  /** the connection had been used before, and was closed just when it was used again: nobody has read the question */
  missed: boolean;
}

/** Asks and reads the answer to its end. The bytes are looked at only then: looking costs what is measured. */
function ask({ url, method, headers, body }: ReturnType<typeof questionOf>): Promise<Answered> {
  const text = JSON.stringify(body);
  const length = Buffer.byteLength(text);
  const asked = request(url, {
    method,
    agent,
    headers: { ...headers, "content-type": "application/json", "content-length": length },
  });
  const startedAt = performance.now();
  asked.end(text);
  const parts: Buffer[] = [];
  let firstMs: number | undefined;
  return new Promise((resolve) => {
    const over = (whole: boolean): void => {
      const missed = !whole && parts.length === 0 && asked.reusedSocket;
      resolve({ bytes: Buffer.concat(parts), firstMs, whole, missed });
    };
    asked.on("error", () => over(false));
    asked.on("response", (response: IncomingMessage) => {
      response.on("data", (part: Buffer) => {
        parts.push(part);
        if (firstMs === undefined && hasToken(part)) firstMs = performance.now() - startedAt;
      });
      response.on("error", () => over(false));
      response.on("close", () => over(response.complete && (response.statusCode ?? 500) < 300));
    });
  });
}

async function askAndNote(load: Load, slot: number, seen: Seen): Promise<void> {
  const question = questionOf(load, slot);
  let answered = await ask(question);
  while (answered.missed) answered = await ask(question);
  const { bytes, firstMs, whole } = answered;
  if (firstMs !== undefined) seen.firstMs.push(firstMs);
  seen.bytes += bytes.length;
  seen.tokens += load.tokens;
  if (whole && readAnswer(bytes.toString("utf8")) === textOf(load.tokens)) return;
  seen.short += 1;
  process.stderr.write(`short, ${whole ? "whole" : "cut"}: …${bytes.toString("utf8").slice(-300)}\n`);
}

/** The provider's first token, and the relay's first frame of text. */
const hasToken = (part: Buffer): boolean => part.includes('"delta":{"content":"') || part.includes("event: d\n");

async function play(load: Load): Promise<Seen> {
  const seen: Seen = { firstMs: [], elapsedMs: 0, tokens: 0, bytes: 0, short: 0 };
  const startedAt = performance.now();
  const slots = Array.from({ length: load.slots }, async (_, slot) => {
    await sleep((load.spreadMs * slot) / load.slots);
    for (let run = 0; run < load.runs; run++) await askAndNote(load, slot, seen);
  });
  await Promise.all(slots);
  return { ...seen, elapsedMs: performance.now() - startedAt };
}

process.on("message", (load: Load) => {
  void play(load).then((seen) => process.send?.(seen));
});
