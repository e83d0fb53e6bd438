import { join } from "node:path";
import Database from "better-sqlite3";
import type { Platform } from "#client/platform/platform.ts";
import { openRunFollower } from "#client/runs/run-follower.ts";
import type { RunFollower } from "#client/runs/run-follower.ts";
import { createOwnStreams } from "#client/runs/run-streams.ts";
import type { MessageId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { runSnapshotSchema } from "#shared/protocol/run-bodies.ts";
import type { RunSnapshot, StartRun } from "#shared/protocol/run-bodies.ts";
import { isTerminal } from "#shared/domain/run.ts";
import { guestAt, signInGuest } from "#tests/support/guest.ts";
import type { Guest } from "#tests/support/guest.ts";
import { openNodeDevice } from "#tests/support/node-device.ts";
import type { NodeDevice } from "#tests/support/node-device.ts";
import { answer } from "#tests/support/provider-behaviour.ts";
import { openScriptedProvider } from "#tests/support/scripted-provider.ts";
import type { RecordedRequest, Script } from "#tests/support/scripted-provider.ts";
import { createSeededRandom, seedOfThisRun } from "#tests/support/seeded-random.ts";
import { openServerProcess } from "#tests/support/server-process.ts";
import { openTcpProxy } from "#tests/support/tcp-proxy.ts";
import { createAnnouncement } from "#tests/support/waiting.ts";

export interface FaultSceneOptions {
  env?: Readonly<Record<string, string>>;
  /** what every call of the provider gets, unless it is scripted */
  otherwise?: Script;
  /** kept by whoever named it */
  dataDir?: string;
}

/** A conversation with one prompt and what a run needs to answer it. */
export interface Chat {
  readonly room: string;
  readonly prompt: string;
  readonly runId: string;
  readonly body: StartRun;
  readonly device: NodeDevice;
}

/** A run as the app's own follower shows it, over whatever connections it needed. */
export interface Followed {
  text(): string;
  status(): string | undefined;
  /** what the reader is told it waits for: another try of the provider, or a provider that fell silent */
  waitsFor(): "retry" | "stall" | undefined;
  /** every text it ever showed was a prefix of the next */
  neverWentBack(): boolean;
  until(condition: () => boolean): Promise<void>;
  ended(): Promise<void>;
  /** as a browser tells it that the page is seen again: nothing that is open is trusted */
  wake(): void;
  close(): void;
}

export type FaultScene = Awaited<ReturnType<typeof openFaultScene>>;

/** how long a scene may take to be set on a busy machine, in ms */
export const HOOK_MS = 90_000;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/**
 * The built server as a process, a scripted provider behind it and a TCP proxy before it, one guest who comes
 * through the proxy, and the seed of this run.
 */
export async function openFaultScene(options: FaultSceneOptions = {}) {
  const seed = seedOfThisRun();
  const random = createSeededRandom(seed);
  const provider = await openScriptedProvider({ otherwise: options.otherwise ?? answer("An answer.") });
  const env = { OPENAI_BASE_URL: provider.baseUrl, OPENAI_API_KEY: "test", ...options.env };
  const server = await openServerProcess({ env, ...(options.dataDir !== undefined && { dataDir: options.dataDir }) });
  const proxy = await openTcpProxy(server.port, random.next);
  const guest = await signInGuest(proxy.url);
  const opened: { close(): void }[] = [];
  const newId = (): string => createUuidV7(Date.now(), random.bytes);

  const requestsFor = (prompt: string): readonly RecordedRequest[] =>
    provider.requests.filter(({ body }) => JSON.stringify(body.messages).includes(prompt));

  function openDevice(room: string, url = proxy.url): NodeDevice {
    const device = openNodeDevice(url, guest.cookie, room);
    opened.push(device);
    return device;
  }

  return {
    seed,
    random,
    provider,
    server,
    proxy,
    guest,
    newId,
    openDevice,
    /** Makes a conversation with one prompt, and waits until the server has acknowledged it. */
    async openChat(): Promise<Chat> {
      const [conversationId, parentMessageId, messageId, runId] = [newId(), newId(), newId(), newId()];
      const room = `conversation.${conversationId}.0`;
      const prompt = `prompt ${conversationId}`;
      const device = openDevice(room);
      const id = parentMessageId as MessageId;
      const token = device.edit((chat) => chat.addPrompt({ id, parentId: undefined, text: prompt, createdAt: 1 }));
      await device.until(() => device.settled() >= token);
      const body = { conversationId, parentMessageId, messageId, model: "openai/scripted-1", parameters: {} };
      return { room, prompt, runId, body, device };
    },
    put: (chat: Chat, signal?: AbortSignal): Promise<Response> => putRun(guest, chat, signal),
    /** @param url how it comes there; through the proxy by default */
    follow(runId: string, url = proxy.url): Followed {
      const followed = followRun(guestAt(url, guest.cookie), runId);
      opened.push(followed);
      return followed;
    },
    stop: (runId: string): Promise<Response> => guest.fetch(`/api/runs/${runId}/stop`, { method: "POST" }),
    /** The run once it is over, asked for until it is; `undefined` where the server knows none. */
    async endOf(runId: string): Promise<RunSnapshot | undefined> {
      for (;;) {
        const response = await guest.fetch(`/api/runs/${runId}`);
        if (response.status === 404) return undefined;
        const snapshot = runSnapshotSchema.parse(await response.json());
        if (isTerminal(snapshot.state)) return snapshot;
        await pause(40);
      }
    },
    requestsFor,
    /** calls of the provider whose prompt contains a text */
    callsFor: (prompt: string): number => requestsFor(prompt).length,
    /** Reads the server's file beside it. */
    read: <Row>(sql: string, ...parameters: unknown[]): Row[] => readFrom<Row>(server.dataDir, sql, parameters),
    async close(): Promise<void> {
      for (const one of opened) one.close();
      await proxy.close();
      await server.close();
      await provider.close();
    },
  };
}

const putRun = (guest: Guest, { runId, body }: Chat, signal?: AbortSignal): Promise<Response> =>
  guest.fetch(`/api/runs/${runId}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });

export function readFrom<Row>(dataDir: string, sql: string, parameters: readonly unknown[] = []): Row[] {
  const database = new Database(join(dataDir, "holdfast.sqlite"), { readonly: true });
  try {
    return database.prepare(sql).all(...parameters) as Row[];
  } finally {
    database.close();
  }
}

/** The rows of the usage ledger of one run. */
export const LEDGER_OF = "select attempt, source, outcome, output_tokens from usage where run_id = ? order by attempt";
export interface LedgerRow {
  attempt: number;
  source: "provider" | "estimated";
  outcome: string;
  output_tokens: number | null;
}

/** Follows a run with the app's own follower. */
function followRun(guest: Guest, runId: string): Followed {
  const changes = createAnnouncement();
  const wakers = new Set<() => void>();
  const ends = new AbortController();
  let shown = "";
  let wentBack = false;
  const fetch: Platform["fetch"] = (path, init) => guest.fetch(String(path), init);
  const follower: RunFollower = openRunFollower(
    {
      clock: {
        now: Date.now,
        after(ms, callback) {
          const timer = setTimeout(callback, ms);
          return () => clearTimeout(timer);
        },
      },
      random: Math.random,
      fetch,
      streams: createOwnStreams(fetch),
      connectivity: {
        online: () => true,
        onWake(callback) {
          wakers.add(callback);
          return () => wakers.delete(callback);
        },
        onOffline: () => () => undefined,
      },
    },
    runId,
    () => {
      const { text } = follower.state().run;
      if (!text.startsWith(shown)) wentBack = true;
      shown = text;
      changes.announce();
    },
    ends.signal,
  );
  follower.dispatch({ type: "follow" });
  return {
    text: () => shown,
    status: () => follower.state().run.status,
    waitsFor: () => follower.state().run.waiting?.type,
    neverWentBack: () => !wentBack,
    until: changes.until,
    ended: () => changes.until(() => follower.state().connection.type === "finished"),
    wake: () => {
      for (const waker of wakers) waker();
    },
    close: () => ends.abort(),
  };
}
