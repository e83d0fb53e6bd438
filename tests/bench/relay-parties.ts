import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import type { Conversation, Load, Seen } from "./relay-load.ts";

/** More than any load has at once; the default for an endpoint is 500 calls. */
const CONCURRENCY = 1000;
/** Sockets that bring conversations to the server at the same time. */
const DEVICES = 25;

const newId = (): string => createUuidV7(Date.now(), (length) => crypto.getRandomValues(new Uint8Array(length)));
const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** Runs a program that prints where it listens. */
async function openProgram(file: string, env: Record<string, string>) {
  const child = spawn(process.execPath, ["--import", "tsx", pathOf(file)], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { url: line.toString("utf8").trim(), pid: child.pid, close: () => void child.kill() };
}

/** The process that plays those who ask. */
function openPeople() {
  const child = fork(pathOf("./relay-load.ts"), { execArgv: ["--import", "tsx"] });
  return {
    async play(load: Load): Promise<Seen> {
      child.send(load);
      const [seen] = (await once(child, "message")) as [Seen];
      return seen;
    },
    close: () => void child.kill(),
  };
}

async function createConversation(url: string, guest: Guest): Promise<Conversation> {
  const conversationId = newId();
  const parentMessageId = newId();
  const device = openNodeDevice(url, guest.cookie, `conversation.${conversationId}.0`);
  const token = device.edit((conversation) =>
    conversation.addPrompt({ id: parentMessageId as never, parentId: undefined, text: "Hello?", createdAt: 1 }),
  );
  await device.until(() => device.settled() >= token);
  device.close();
  return { conversationId, parentMessageId };
}

async function createConversations(url: string, guest: Guest, count: number): Promise<Conversation[]> {
  const conversations: Conversation[] = [];
  const device = async (): Promise<void> => {
    while (conversations.length < count) conversations.push(await createConversation(url, guest));
  };
  await Promise.all(Array.from({ length: DEVICES }, device));
  return conversations;
}

export type Parties = Awaited<ReturnType<typeof openParties>>;

/**
 * The processes of a measurement: the built server with its database on the disk of TMPDIR and with chats that have
 * their prompt, a raw pipe, a scripted provider, and those who ask.
 */
export async function openParties(conversationCount: number) {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-relay-"));
  const provider = await openProgram("./relay-provider.ts", {});
  const file = join(folder, "providers.json");
  writeFileSync(file, JSON.stringify([{ id: "bench", baseUrl: provider.url, concurrency: CONCURRENCY }]));
  // E.g. `--require` of a profiler.
  const options = process.env["SERVER_NODE_OPTIONS"];
  const server = await openServerProcess({
    env: { PROVIDERS_FILE: file, ...(options !== undefined && { NODE_OPTIONS: options }) },
  });
  const guest = await signInGuest(server.url);
  const conversations = await createConversations(server.url, guest, conversationCount);
  const people = openPeople();
  return {
    provider,
    server,
    guest,
    conversations,
    people,
    openPipe: () => openProgram("./raw-pipe.ts", { TARGET: provider.url }),
    /** what a load on the server needs to know */
    relay: { cookie: guest.cookie, provider: "bench", conversations },
    /** A server as it is after its start, on the same data. */
    async restart(): Promise<void> {
      await server.kill("SIGTERM");
      await server.restart();
    },
    async close(): Promise<void> {
      people.close();
      provider.close();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
