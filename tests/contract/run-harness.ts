import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { createEncoder, toUint8Array, writeVarUint } from "lib0/encoding";
import { writeUpdate } from "y-protocols/sync";
import { afterEach, beforeEach } from "vitest";
import * as Y from "yjs";
import { readOrCreateSecret } from "#server/access/secret.ts";
import { openLiveRights } from "#server/access/live-rights.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { AppEnv } from "#server/http/app-env.ts";
import { modelRoutes } from "#server/http/models.ts";
import { runRoutes } from "#server/http/runs.ts";
import { createLog } from "#server/observability/log.ts";
import { openRooms } from "#server/rooms/open-rooms.ts";
import { systemClock } from "#server/runs/clock.ts";
import type { Clock } from "#server/runs/clock.ts";
import type { Providers } from "#server/runs/provider.ts";
import { openProviders } from "#server/runs/providers.ts";
import type { ProvidersConfig } from "#server/runs/providers.ts";
import type { SignReceipt } from "#server/runs/run-parts.ts";
import { openRunService } from "#server/runs/run-service.ts";
import type { RunTimers } from "#server/runs/run-timers.ts";
import { openSigning } from "#server/signing/open-signing.ts";
import { SIGNING_SECRET_FILE } from "#server/signing/stored-key.ts";
import { RECEIPT_TYPE } from "#shared/provenance/receipt.ts";
import type { Database } from "#server/storage/database.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import { openConversation } from "#shared/documents/conversation.ts";
import type { ConversationId, MessageId, RunId } from "#shared/domain/ids.ts";
import type { AssistantMessage } from "#shared/domain/message.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import type { RunSnapshot, StartRun } from "#shared/protocol/run-bodies.ts";
import { parseRunEvent } from "#shared/protocol/run-events.ts";
import type { RunEvent } from "#shared/protocol/run-events.ts";
import { createPolicyBus } from "#server/bus/policy-bus.ts";
import { allTables } from "#tests/support/all-tables.ts";
import { principalOf } from "#tests/support/principals.ts";
import { createSseParser } from "#server/runs/sse-parser.ts";
import { openScriptedProvider } from "#tests/support/scripted-provider.ts";
import type { ScriptedProvider } from "#tests/support/scripted-provider.ts";

export const newId = (): string => createUuidV7(Date.now(), (length) => crypto.getRandomValues(new Uint8Array(length)));

/** What no test waits for is quick; what would end a run stays longer than a busy machine may take. */
const QUICK: Partial<RunTimers> = { parentWait: 300, checkpoint: 40, byeSpread: 10, logRetry: 10 };

/** Waits for providers that say nothing, short enough to wait for. */
export const SHORT: Partial<RunTimers> = {
  firstByte: 600,
  firstContent: 600,
  firstContentStretched: 1800,
  stallNotice: 120,
  contentIdle: 480,
  afterFinish: 400,
};

export interface HarnessOptions {
  baseUrl?: string | undefined;
  apiKey?: string | undefined;
  timers?: Partial<RunTimers>;
  file?: string;
  configured?: ProvidersConfig["configured"];
  random?: () => number;
  /** ms to establish a connection to a provider */
  connectMs?: number;
  /** looked at again while a stream is open; by default everybody keeps their session */
  signedIn?: (account: string) => boolean;
  /** stands between the relay and the providers */
  wrapProviders?: (providers: Providers) => Providers;
  clock?: Clock;
  /** signs answers; by default with the key in the database */
  signReceipt?: SignReceipt;
  /** stands between the relay and the database */
  wrap?: (database: Database) => Database;
}

export type Harness = Awaited<ReturnType<typeof openHarness>>;

const providersOf = ({ baseUrl, apiKey, configured = [], connectMs }: HarnessOptions): ProvidersConfig => ({
  openai: baseUrl === undefined ? undefined : { apiKey, baseUrl, models: ["scripted-1"] },
  configured,
  local: [],
  connectMs,
});

/** A relay with a real database, real rooms and a real HTTP port; its provider is whatever listens at `baseUrl`. */
export async function openHarness(options: HarnessOptions = {}) {
  const folder = options.file === undefined ? mkdtempSync(join(tmpdir(), "holdfast-runs-")) : undefined;
  const file = options.file ?? join(folder ?? "", "holdfast.db");
  const logged: string[] = [];
  const log = createLog("trace", { write: (line) => void logged.push(line) });
  const database = await openDatabase({ file });
  const rooms = openRooms({ database, clock: systemClock, random: Math.random, log });
  const opened = openProviders(providersOf(options), log);
  const providers = options.wrapProviders?.(opened) ?? opened;
  const signing = await openSigning({
    database,
    secret: readOrCreateSecret(join(dirname(file), SIGNING_SECRET_FILE)),
    issuer: "https://chat.example.org",
    now: Date.now,
    log,
  });
  const runs = openRunService({
    database: options.wrap?.(database) ?? database,
    rooms,
    providers,
    clock: options.clock ?? systemClock,
    random: options.random ?? (() => 0),
    log,
    timers: { ...QUICK, ...options.timers },
    signReceipt: options.signReceipt ?? ((claims) => signing.sign(RECEIPT_TYPE, claims)),
  });

  const resolve = (headers: Headers): AccountPrincipal | undefined => {
    const name = headers.get("x-account") ?? "ada";
    return options.signedIn?.(name) === false ? undefined : principalOf(name);
  };
  const bus = createPolicyBus();
  const rights = openLiveRights(bus);
  const app = new Hono<AppEnv>()
    .use(async (c, next) => {
      c.set("principal", principalOf(c.req.header("x-account") ?? "ada"));
      await next();
    })
    .route("/api/runs", runRoutes({ runs, rights, resolvePrincipal: async (headers) => resolve(headers) }))
    .route("/api/models", modelRoutes({ providers }));
  const server: Server = createServer(getRequestListener(app.fetch));
  const responses: ServerResponse[] = [];
  server.on("request", (_, response: ServerResponse) => void responses.push(response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let closed = false;

  const request = (path: string, init: RequestInit = {}, account = "ada"): Promise<Response> =>
    fetch(origin + path, { ...init, headers: { ...(init.headers as Record<string, string>), "x-account": account } });

  const harness = {
    database,
    rooms,
    runs,
    signing,
    file,
    /** every line of the server's log, at the level `trace` */
    logged,
    origin,
    request,
    /** Node's side of every answer so far */
    responses,
    /** A conversation of one prompt, written as a device would, with what a run needs to answer it. */
    async prompt(text = "Hello?", account = "ada", systemPrompt = ""): Promise<StartRun> {
      const conversationId = newId() as ConversationId;
      const parentMessageId = newId() as MessageId;
      const doc = new Y.Doc();
      const conversation = openConversation(doc, "test");
      if (systemPrompt) conversation.setSystemPrompt(systemPrompt);
      conversation.addPrompt({ id: parentMessageId, parentId: undefined, text, createdAt: 1 });
      await harness.deliver(conversationId, doc, account);
      return { conversationId, parentMessageId, messageId: newId(), model: "openai/scripted-1", parameters: {} };
    },
    /** Sends a document's content to its room. */
    async deliver(id: ConversationId, doc: Y.Doc, account = "ada"): Promise<void> {
      const encoder = createEncoder();
      writeVarUint(encoder, 0);
      writeUpdate(encoder, Y.encodeStateAsUpdate(doc));
      const transport = { send: () => undefined, close: () => undefined, bufferedBytes: () => 0 };
      const session = rooms.join(principalOf(account), { kind: "conversation", id, epoch: 0 }, transport, true);
      session.receive(toUint8Array(encoder));
      const messages = [...doc.getMap("messages").keys()];
      const arrived = await rooms.waitFor(
        principalOf(account),
        id,
        (conversation) => messages.every((message) => conversation.message(message) !== undefined),
        AbortSignal.timeout(5000),
      );
      if (!arrived) throw new Error("the conversation did not arrive");
      session.left();
    },
    put: (id: string, body: unknown, headers: Record<string, string> = {}, account = "ada") =>
      request(
        `/api/runs/${id}`,
        { method: "PUT", body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } },
        account,
      ),
    /** Starts a run and answers its id. */
    async start(body: StartRun, id = newId()): Promise<RunId> {
      const response = await harness.put(id, body);
      if (response.status !== 201) throw new Error(`start answered ${response.status} ${await response.text()}`);
      return id as RunId;
    },
    async snapshot(id: string): Promise<RunSnapshot> {
      return (await (await request(`/api/runs/${id}`)).json()) as RunSnapshot;
    },
    stop: (id: string, account = "ada") => request(`/api/runs/${id}/stop`, { method: "POST" }, account),
    /** All events after a cursor, until the server ends the stream. */
    async events(id: string, after = 0): Promise<RunEvent[]> {
      const response = await request(`/api/runs/${id}/events?after=${after}`);
      return response.status === 204 ? [] : readEvents(response);
    },
    /** Waits for the end of a run; answers its snapshot once its message is final in the document. */
    async finished(id: string): Promise<RunSnapshot> {
      await harness.events(id);
      const snapshot = await harness.snapshot(id);
      await rooms.waitFor(
        principalOf("ada"),
        snapshot.conversationId as ConversationId,
        (doc) => statusIn(doc.message(snapshot.messageId)) === snapshot.state,
        AbortSignal.timeout(5000),
      );
      return snapshot;
    },
    message: (body: StartRun): Promise<AssistantMessage | undefined> =>
      rooms.read(
        principalOf("ada"),
        body.conversationId as ConversationId,
        (doc) => doc.message(body.messageId) as AssistantMessage | undefined,
      ),
    usage: (id: string) =>
      allTables(database).selectFrom("usage").selectAll().where("run_id", "=", id).orderBy("attempt").execute(),
    /** Ends the process's part without a goodbye; the file stays. */
    async crash(): Promise<void> {
      if (closed) return;
      closed = true;
      await runs.close();
      server.closeAllConnections();
      server.close();
      await rooms.close();
      await providers.close();
      await database.close();
    },
    async close(): Promise<void> {
      await harness.crash();
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
  return harness;
}

const statusIn = (message: unknown): string | undefined => (message as AssistantMessage | undefined)?.run?.status;

/** Reads a whole event stream as a follower does. */
export async function readEvents(response: Response): Promise<RunEvent[]> {
  return parseEvents(new Uint8Array(await response.arrayBuffer()));
}

export function parseEvents(bytes: Uint8Array): RunEvent[] {
  const text = new TextDecoder().decode(bytes);
  const ids = [...text.matchAll(/(?:^id: (\d+)\n)?^event: (\w+)\ndata: (.*)$/gmu)];
  const named = createSseParser().push(bytes) ?? [];
  if (named.filter(({ type }) => type === "event").length !== ids.length) throw new Error("the stream is malformed");
  return ids.flatMap(([, id, name, data]) => parseRunEvent(name!, data!, id) ?? []);
}

/** What a reader who starts with `text` shows after the events; throws on any gap or repetition. */
export function applyEvents(events: readonly RunEvent[], text = "", reasoning = ""): { t: string; r: string } {
  const channels = { t: text, r: reasoning };
  for (const event of events) {
    if (event.type === "snap") Object.assign(channels, event.ch);
    if (event.type === "d") {
      if (event.o !== channels[event.c].length)
        throw new Error(`gap at ${event.c}:${event.o}, has ${channels[event.c].length}`);
      channels[event.c] += event.t;
    }
    if (event.type === "end" && (event.len.t !== channels.t.length || event.len.r !== channels.r.length))
      throw new Error("the end counts another length");
  }
  return channels;
}

/** A scripted provider and the relays opened on it, new for each test of a file and closed after it. */
export function relayPerTest(): { readonly provider: ScriptedProvider; openRelay: typeof openHarness } {
  let provider: ScriptedProvider;
  const relays: Harness[] = [];
  beforeEach(async () => {
    provider = await openScriptedProvider();
  });
  afterEach(async () => {
    for (const relay of relays.splice(0)) await relay.close();
    await provider.close();
  });
  return {
    get provider() {
      return provider;
    },
    async openRelay(options) {
      const relay = await openHarness({ baseUrl: provider.baseUrl, ...options });
      relays.push(relay);
      return relay;
    },
  };
}
