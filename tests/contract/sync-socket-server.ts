import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { WebSocket } from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import { openLiveRights } from "#server/access/live-rights.ts";
import { createPolicyBus } from "#server/bus/policy-bus.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import { openRooms } from "#server/rooms/open-rooms.ts";
import type { RoomsOptions } from "#server/rooms/open-rooms.ts";
import type { Rooms } from "#server/rooms/rooms.ts";
import { attachSyncSocket } from "#server/rooms/sync-socket.ts";
import type { SyncSocketOptions } from "#server/rooms/sync-socket.ts";
import type { CommitStatement, Database } from "#server/storage/database.ts";
import { openDatabase } from "#server/storage/open-database.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { deferred } from "../support/waiting.ts";
import type { Deferred } from "../support/waiting.ts";

export const ORIGIN = "http://holdfast.test";
export const newRoom = (epoch = 0): string =>
  `conversation.${createUuidV7(Date.now(), (length) => crypto.getRandomValues(new Uint8Array(length)))}.${epoch}`;

/** The real database, whose commits wait while a test holds them. */
export interface HeldDatabase extends Database {
  hold(): void;
  release(): void;
  /** resolves when the next commit has been asked for */
  asked(): Promise<void>;
}

export function heldDatabase(database: Database): HeldDatabase {
  let gate: Deferred<void> | undefined;
  let ask = deferred();
  return {
    executor: database.executor,
    queued: () => database.queued(),
    writable: () => database.writable(),
    close: () => database.close(),
    async commit(statements: readonly CommitStatement[]) {
      ask.resolve();
      ask = deferred();
      await gate?.promise;
      return database.commit(statements);
    },
    hold() {
      gate = deferred();
    },
    release() {
      gate?.resolve();
      gate = undefined;
    },
    asked: () => ask.promise,
  };
}

export interface SyncServer {
  url: string;
  database: HeldDatabase;
  rooms: Rooms;
  /** what the server logged as a warning or error */
  notices: string[];
  /** the sessions that are signed in, by cookie */
  signedIn: Set<string>;
  /** forgets all memory, as a killed process does: no farewell, no commit */
  restart(): Promise<void>;
  close(): Promise<void>;
}

const principalOf = (cookie: string): AccountPrincipal => ({
  kind: "guest",
  accountId: `account-${cookie}` as AccountId,
  workspaceId: `workspace-${cookie}` as WorkspaceId,
  role: "owner",
  credential: { type: "session", sessionId: cookie },
});

const urlOf = (server: Server): string => `ws://127.0.0.1:${(server.address() as AddressInfo).port}/sync`;

/** A real HTTP server with real rooms over a real SQLite file; only the session cookies are scripted. */
export async function startSyncServer(
  options: Partial<RoomsOptions> & Pick<Partial<SyncSocketOptions>, "pingMs" | "recheckMs"> = {},
): Promise<SyncServer> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-sync-"));
  const database = heldDatabase(await openDatabase({ file: join(folder, "holdfast.db") }));
  const notices: string[] = [];
  const signedIn = new Set(["ann", "ben"]);
  const note = (facts: object, message: string): void => void notices.push(`${message} ${JSON.stringify(facts)}`);
  const log = { info: () => undefined, warn: note, error: note };
  const clock = {
    now: () => Date.now(),
    after(ms: number, run: () => void) {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  };

  async function listen(): Promise<{ server: Server; rooms: Rooms; stop: AbortController }> {
    const server = createServer((_, response) => response.writeHead(404).end());
    const stop = new AbortController();
    const rooms = openRooms({ database, clock, random: Math.random, log, ...options });
    attachSyncSocket(server, {
      rooms,
      log,
      signal: stop.signal,
      rights: openLiveRights(createPolicyBus()),
      allowsOrigin: (headers) => headers.get("origin") === ORIGIN,
      resolvePrincipal(headers) {
        const cookie = /session=(\w+)/.exec(headers.get("cookie") ?? "")?.[1];
        return Promise.resolve(cookie !== undefined && signedIn.has(cookie) ? principalOf(cookie) : undefined);
      },
      ...options,
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { server, rooms, stop };
  }

  let current = await listen();
  const left: Rooms[] = [];
  async function stopListening(): Promise<void> {
    current.stop.abort();
    await new Promise<void>((resolve) => current.server.close(() => resolve()));
  }

  const running: SyncServer = {
    url: urlOf(current.server),
    database,
    rooms: current.rooms,
    notices,
    signedIn,
    async restart() {
      left.push(current.rooms);
      await stopListening();
      current = await listen();
      running.url = urlOf(current.server);
      running.rooms = current.rooms;
    },
    async close() {
      database.release();
      await stopListening();
      for (const rooms of [...left, current.rooms]) await rooms.close();
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return running;
}

/** Starts servers that end, with whatever else is cleaned up, after the test that asked for them. */
export function syncServerPerTest() {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  });
  return {
    /** Called after the test, the last one first. */
    cleanUp: (cleanup: () => unknown): void => void cleanups.push(cleanup),
    async aServer(...options: Parameters<typeof startSyncServer>): Promise<SyncServer> {
      const server = await startSyncServer(...options);
      cleanups.push(() => server.close());
      return server;
    },
  };
}

/** A `ws` socket as a browser with this cookie opens it. */
export function socketClass(cookie: string | undefined, origin: string | undefined = ORIGIN): typeof WebSocket {
  class CookieSocket extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols, { headers: { ...(cookie && { cookie: `session=${cookie}` }), ...(origin && { origin }) } });
    }
  }
  return CookieSocket as unknown as typeof WebSocket;
}

export interface StockClient {
  doc: Y.Doc;
  provider: WebsocketProvider;
  close(): void;
}

/** An unmodified y-websocket client with a session cookie. */
export function stockClient(server: SyncServer, room: string, cookie = "ann"): StockClient {
  const doc = new Y.Doc();
  const provider = new WebsocketProvider(server.url, room, doc, {
    WebSocketPolyfill: socketClass(cookie) as unknown as typeof globalThis.WebSocket,
    disableBc: true,
  });
  return {
    doc,
    provider,
    close() {
      provider.destroy();
      doc.destroy();
    },
  };
}

/** Resolves once the condition holds; looks again whenever the document changes or a frame came. */
export function until({ doc, provider }: StockClient, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!condition()) return;
      doc.off("update", look);
      provider.off("sync", look);
      resolve();
    };
    doc.on("update", look);
    provider.on("sync", look);
    look();
  });
}

export const synced = (client: StockClient): Promise<void> => until(client, () => client.provider.synced);

/** The status of a refused upgrade, or the code with which an accepted socket was closed. */
export function endOf(socket: WebSocket): Promise<{ status: number } | { code: number }> {
  return new Promise((resolve) => {
    socket.on("error", () => undefined);
    socket.once("unexpected-response", (_, response) => {
      resolve({ status: response.statusCode ?? 0 });
      socket.terminate();
    });
    socket.once("close", (code) => resolve({ code }));
  });
}
