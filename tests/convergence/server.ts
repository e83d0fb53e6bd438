import { Hono } from "hono";
import { Kysely } from "kysely";
import { openLiveRights } from "#server/access/live-rights.ts";
import { createPolicyBus } from "#server/bus/policy-bus.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { AppEnv } from "#server/http/app-env.ts";
import { bulkSyncRoutes } from "#server/http/bulk-sync.ts";
import { feedRoutes } from "#server/http/feed.ts";
import { runRoutes } from "#server/http/runs.ts";
import { NO_METERS } from "#server/observability/meters.ts";
import { foldLog, foldSince } from "#server/rooms/compaction.ts";
import type { FoldThread } from "#server/rooms/fold-thread.ts";
import { openRooms } from "#server/rooms/open-rooms.ts";
import type { RoomNotice } from "#server/rooms/room-events.ts";
import { DocumentGone } from "#server/rooms/rooms.ts";
import type { Rooms, Session, SessionTransport } from "#server/rooms/rooms.ts";
import { openChannels } from "#server/rooms/socket-channels.ts";
import { openRunService } from "#server/runs/run-service.ts";
import { CommitError } from "#server/storage/database.ts";
import type { Database } from "#server/storage/database.ts";
import { createGroupCommit } from "#server/storage/group-commit.ts";
import { migrateToLatest } from "#server/storage/migrations.ts";
import type { Schema } from "#server/storage/schema.ts";
import { createSqliteDialect } from "#server/storage/sqlite-dialect.ts";
import { createTurns } from "#server/storage/turns.ts";
import type { AccountId, WorkspaceId } from "#shared/domain/ids.ts";
import { BULK_TYPE } from "#shared/protocol/bulk-sync.ts";
import { formatRoomName, parseRoomName } from "#shared/domain/room-name.ts";
import type { RoomName } from "#shared/domain/room-name.ts";
import { allTables } from "#tests/support/all-tables.ts";
import type { Disk } from "./disk.ts";
import { createOutgoing } from "./http.ts";
import type { HttpServer, Reply } from "./http.ts";
import { CUT } from "./network.ts";
import type { Acceptor } from "./network.ts";
import { createProvider } from "./provider.ts";
import type { ProviderRecord } from "./provider.ts";
import type { Owner, World } from "./world.ts";

export interface SimulatedServer extends Acceptor, HttpServer {
  /** SIGKILL: memory and connections are gone; each commit under way is durable or not. Then it starts again. */
  kill(): void;
  /** Moves the server's wall clock. */
  jump(ms: number): void;
  /** The rooms of the process that runs now. */
  rooms(): Rooms | undefined;
  /** runs that are being written now */
  live(): number;
  readonly provided: ReadonlyMap<string, ProviderRecord>;
  /** how often the rooms noticed something, over all processes */
  noticed(what: RoomNotice): number;
  heal(): void;
}

export interface ServerOptions {
  disk: Disk;
  providerFaults: boolean;
  /** stands between the process and its disk; replaced only to put a bug in */
  wrapDatabase?: ((database: Database, owner: Owner, world: World) => Database) | undefined;
  /** each frame of a session on its way out */
  onFrame: (account: string, room: string, frame: Uint8Array) => void;
  /** each piece of an answer over HTTP on its way out: what was asked, and the body up to here */
  onReply: (account: string, asked: string, soFar: string) => void;
  /** each session the rooms end */
  onClose: (account: string, code: number) => void;
  /** an error that no fault explains */
  onBug: (what: string) => void;
}

interface Process {
  owner: Owner;
  rooms: Rooms;
  runs: ReturnType<typeof openRunService>;
  app: Hono<AppEnv>;
  connections: Set<() => void>;
}

export const principalOf = (account: string): AccountPrincipal => ({
  kind: "account",
  accountId: account as AccountId,
  workspaceId: "personal" as WorkspaceId,
  role: "owner",
  credential: { type: "session", sessionId: `session-${account}` },
});

/** The thread that folds logs would take turns of the real event loop. */
/** Documents of a simulation are short, and are to be folded now and then all the same. */
export const FOLD_ROWS = 12;
const FOLDING: FoldThread = {
  fold: async (log) => foldLog(log),
  foldSince: async (log, stateVector) => foldSince(log, stateVector),
  close: async () => undefined,
};

const principalIn = async (headers: Headers): Promise<AccountPrincipal> =>
  principalOf(headers.get("x-account") ?? "nobody");

/** The real rooms, relay and routes over a simulated disk, clock and network. */
export function createSimulatedServer(world: World, options: ServerOptions): SimulatedServer {
  const { disk } = options;
  const chance = world.chance("server");
  const provided = new Map<string, ProviderRecord>();
  const notices = new Map<string, number>();
  const onNotice = (what: string): void => void notices.set(what, (notices.get(what) ?? 0) + 1);
  let offset = 0;
  let faultyProvider = options.providerFaults;
  let starting: Owner = { dead: false };
  let running: Process | undefined;

  async function boot(owner: Owner): Promise<void> {
    try {
      const started = await openProcess(owner);
      if (!owner.dead) running = started;
    } catch (error) {
      // The disk did not answer: a supervisor starts it again.
      lookAt(error, "the server did not start", options.onBug);
      owner.dead = true;
      bootLater();
    }
  }

  function bootLater(): void {
    const owner = { dead: false };
    starting = owner;
    world.after(chance.delay(10, 2_500), () => void boot(owner), owner);
  }

  async function openProcess(owner: Owner): Promise<Process> {
    const clock = {
      now: () => world.now() + offset,
      steady: world.now,
      after: (ms: number, callback: () => void) => world.after(ms, callback, owner),
    };
    const log = createLog(options.onBug);
    const opened = openSimulatedDatabase(disk, owner);
    const database = options.wrapDatabase?.(opened, owner, world) ?? opened;
    await migrateToLatest(allTables(database));
    const meters = { ...NO_METERS, noticed: onNotice };
    const upkeep = { idleMs: 8_000, idleRooms: 1, digestMs: 5_000, foldRows: FOLD_ROWS, folding: FOLDING };
    const rooms = openRooms({ database, clock, random: chance.next, log, meters, ...upkeep });
    const providers = createProvider(world, owner, provided, () => faultyProvider);
    const runs = openRunService({ database, rooms, providers, clock, random: chance.next, log });
    await runs.recover();
    const app = new Hono<AppEnv>()
      .use(async (c, next) => {
        c.set("principal", principalOf(c.req.header("x-account") ?? "nobody"));
        await next();
      })
      .route("/api/sync/feed", feedRoutes(database))
      .route("/api/sync", bulkSyncRoutes(rooms))
      .route("/api/runs", runRoutes({ runs, resolvePrincipal: principalIn, rights: openLiveRights(createPolicyBus()) }))
      .onError((error, { req }) => {
        lookAt(error, `${req.method} ${req.path} failed`, options.onBug);
        return new Response(null, { status: 503 });
      });
    return { owner, rooms, runs, app, connections: new Set() };
  }

  async function answer(process: Process, request: Request, outgoing: ReturnType<typeof createOutgoing>, reply: Reply) {
    const response = await process.app.fetch(request, { outgoing });
    if (process.owner.dead || response.headers.has("x-hono-already-sent")) return;
    const isBytes = response.headers.get("content-type") === BULK_TYPE;
    const body = isBytes ? Buffer.from(await response.arrayBuffer()).toString("latin1") : await response.text();
    reply.head(response.status, Object.fromEntries(response.headers));
    if (body !== "") reply.chunk(body);
    reply.end();
  }

  bootLater();
  return {
    accept(path, account, transport) {
      const process = running;
      const name = parseRoomName(path.replace("/sync/", ""));
      if (process === undefined || (name === undefined && path !== "/sync")) {
        world.after(0, () => transport.close(CUT));
        return { receive: () => undefined, left: () => undefined };
      }
      const gone = (): void => transport.close(CUT);
      process.connections.add(gone);
      const socket: SessionTransport = {
        send: transport.send,
        close(code) {
          process.connections.delete(gone);
          transport.close(code);
        },
        bufferedBytes: () => 0,
      };
      const join = (room: RoomName, lane: SessionTransport): Session =>
        process.rooms.join(
          principalOf(account),
          room,
          {
            ...lane,
            send(frame) {
              options.onFrame(account, `/sync/${formatRoomName(room)}`, frame);
              lane.send(frame);
            },
            close(code, reason) {
              options.onClose(account, code);
              lane.close(code, reason);
            },
          },
          true,
        );
      const session =
        name === undefined
          ? openChannels(socket, { join, spend: () => undefined, closed: () => undefined })
          : join(name, socket);
      return {
        receive: (message) => process.owner.dead || session.receive(message),
        left() {
          process.connections.delete(gone);
          if (!process.owner.dead) session.left();
        },
      };
    },
    request(path, init, account, reply) {
      const process = running;
      if (process === undefined) {
        reply.destroy();
        return { left: () => undefined };
      }
      process.connections.add(reply.destroy);
      const { method = "GET", headers = {}, body } = init;
      const request = new Request(`http://holdfast${path}`, {
        method,
        headers: { ...(headers as Record<string, string>), "x-account": account },
        ...((typeof body === "string" || body instanceof Uint8Array) && {
          body: body as string | Uint8Array<ArrayBuffer>,
        }),
      });
      let sent = "";
      const seen: Reply = {
        ...reply,
        chunk(text) {
          sent += text;
          options.onReply(account, `${method} ${path}`, sent);
          reply.chunk(text);
        },
      };
      const outgoing = createOutgoing(seen);
      void answer(process, request, outgoing, seen);
      return {
        left() {
          process.connections.delete(reply.destroy);
          if (!process.owner.dead) outgoing.left();
        },
      };
    },
    kill() {
      world.note("the server is killed");
      starting.dead = true;
      const cut = running?.connections ?? new Set();
      running = undefined;
      for (const close of cut) close();
      bootLater();
    },
    jump(ms) {
      offset += ms;
    },
    rooms: () => running?.rooms,
    live: () => running?.runs.live ?? 0,
    provided,
    noticed: (what) => notices.get(what) ?? 0,
    heal() {
      faultyProvider = false;
    },
  };
}

function openSimulatedDatabase(disk: Disk, owner: Owner): Database {
  const thread = disk.thread(owner);
  const turns = createTurns();
  const kysely = new Kysely<Schema>({ dialect: createSqliteDialect(thread, turns) });
  const commits = createGroupCommit((items) => turns.pass(() => thread.ask({ kind: "commit", items })), {
    gatherMs: 0,
    groupSize: 128,
    queueLimit: 100_000,
  });
  return {
    executor: kysely,
    commit: (statements) =>
      commits.add(
        statements.map(({ query: { sql, parameters }, changes }) => ({
          sql,
          parameters,
          ...(changes !== undefined && { changes }),
        })),
      ),
    queued: () => commits.size(),
    writable: async () => true,
    close: async () => undefined,
  };
}

const quiet = (): void => undefined;

/** What the faults lead to: a store that takes nothing now, and documents that are not there. All else is a bug. */
const isExpected = (error: unknown): boolean => error instanceof CommitError || error instanceof DocumentGone;

function lookAt(error: unknown, message: string, onBug: (what: string) => void): void {
  if (!isExpected(error)) onBug(`${message}: ${error instanceof Error ? String(error.stack) : String(error)}`);
}

const BROKEN_LOG: RoomNotice = "broken-log";

function createLog(onBug: (what: string) => void) {
  const look = (facts: object, message: string): void => {
    if ("err" in facts) lookAt(facts.err, message, onBug);
    // This disk does not rot.
    if ("what" in facts && facts.what === BROKEN_LOG) onBug("a log is not whole");
  };
  return {
    debug: quiet,
    info: quiet,
    warn: look,
    error(facts: object, message: string): void {
      look(facts, message);
      // An error without what was thrown is one that must not be shown, or damage: no fault explains either.
      if (!("err" in facts)) onBug(`${message}: ${JSON.stringify(facts)}`);
    },
  };
}
