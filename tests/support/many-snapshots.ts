import { FROZEN_FORMAT, chainMessages } from "#shared/domain/frozen-content.ts";
import type { FrozenMessage, Manifest } from "#shared/domain/frozen-content.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { aFrozenRun } from "./frozen.ts";
import type { Guest } from "./guest.ts";

const MODEL = "openai/scripted-1";
const TURNS = 10;
/** commands under way at once: as many as a program of one person would */
const AT_ONCE = 8;
const MONTH_MS = 30 * 86_400_000;

/** How many chats, and how many snapshots of each. */
export interface SnapshotCounts {
  chats: number;
  each: number;
}

/**
 * Has somebody take snapshots of chats that grow: one after the other of each chat, with titles like `Chat 7, draft 3
 * c7d3`, of which the last word is found nowhere else, a note and tags. Throws where the server takes one not.
 */
export async function takeManySnapshots(guest: Guest, { chats, each }: SnapshotCounts): Promise<void> {
  const waiting = Array.from({ length: chats }, (_, chat) => chat);
  const take = async (): Promise<void> => {
    for (let chat = waiting.shift(); chat !== undefined; chat = waiting.shift()) await takeAll(guest, chat, each);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, take));
}

async function takeAll(guest: Guest, chat: number, each: number): Promise<void> {
  const conversationId = idAt(Date.now());
  const { messages, hashes } = chainMessages(Array.from({ length: 2 * TURNS }, (_, at) => aMessage(chat, at)));
  for (let draft = 0; draft < each; draft++) {
    const messageCount = 2 + 2 * (draft % TURNS);
    const manifest: Manifest = {
      format: FROZEN_FORMAT,
      settings: { model: MODEL, systemPrompt: `Answer as in draft ${draft}.`, parameters: {} },
      messageCount,
      head: hashes[messageCount - 1] ?? null,
    };
    const response = await guest.fetch("/api/snapshots", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        id: idAt(Date.now()),
        conversationId,
        title: `Chat ${chat}, draft ${draft} c${chat}d${draft}`,
        note: "Kept to compare it with the next one.",
        tags: [`tag-${(chat + draft) % 7}`],
        manifest,
        // Those of later ones are there by then.
        ...(draft < TURNS && { messages: messages.slice(0, messageCount) }),
      }),
    });
    if (response.status !== 201) throw new Error(`not taken: ${response.status} ${await response.text()}`);
  }
}

const idAt = (ms: number): string => createUuidV7(ms, (length) => crypto.getRandomValues(new Uint8Array(length)));

function aMessage(chat: number, at: number): Omit<FrozenMessage, "previous"> {
  const createdAt = Date.now() - MONTH_MS + at * 60_000;
  const text = `What is said in message ${at} of chat ${chat}: ${"some words ".repeat(at % 2 === 0 ? 15 : 60)}`;
  const own = { id: idAt(createdAt), createdAt, text };
  return at % 2 === 0
    ? { ...own, role: "user" }
    : {
        ...own,
        role: "assistant",
        run: aFrozenRun({ id: idAt(createdAt), model: MODEL, provider: "openai", queuedAt: createdAt }),
      };
}
