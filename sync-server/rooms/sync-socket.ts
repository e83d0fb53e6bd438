import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { RawData, WebSocket } from "ws";
import { parseRoomName } from "#shared/domain/room-name.ts";
import type { RoomName } from "#shared/domain/room-name.ts";
import { ACCOUNT_PARAMETER } from "#shared/protocol/account-header.ts";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import { MAX_FRAME_BYTES, SYNC_SUBPROTOCOL } from "#shared/protocol/sync-frames.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import { NO_METERS } from "#server/observability/meters.ts";
import type { Meters } from "#server/observability/meters.ts";
import { createAckWatch } from "./ack-watch.ts";
import { createFrameBudget, frameCost } from "./frame-budget-state.ts";
import type { RoomLogger } from "./room-driver.ts";
import type { Rooms, SessionTransport } from "./rooms.ts";

/** A peer is asked for a sign of life so often, and given up after two silences. */
const PING_MS = 15_000;
/** Rights end at the latest so long after the session behind them. */
const RECHECK_MS = 60_000;
/** How long a peer may take to answer our close before the connection is cut. */
const CLOSE_GRACE_MS = 2_000;
/** 64 documents on several devices; beyond it an account only costs memory. */
const SOCKETS_PER_ACCOUNT = 512;

export interface SyncSocketOptions {
  rooms: Rooms;
  resolvePrincipal(headers: Headers): Promise<AccountPrincipal | undefined>;
  allowsOrigin(headers: Headers): boolean;
  log: RoomLogger;
  meters?: Meters;
  /** ends the service: no upgrades any more, and open sockets are cut */
  signal: AbortSignal;
  /** in ms; the defaults are 15 s and 60 s */
  pingMs?: number;
  recheckMs?: number;
}

export interface SyncSockets {
  /** Closes every socket of a session that was signed out (4401), without waiting for the next check. */
  endSession(sessionId: string): void;
  count(): number;
  /** what all sockets together accepted and the network did not take yet */
  bufferedBytes(): number;
}

/**
 * Serves `/sync/:room` on the upgrades of an HTTP server, and refuses every other upgrade. Whoever has no
 * session gets 401, a foreign Origin 403, a name that is no room 404. A document that is not the caller's
 * is accepted and closed 4404, because a browser cannot read the status of a refused upgrade.
 */
export function attachSyncSocket(server: Server, options: SyncSocketOptions): SyncSockets {
  const { signal, log } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SYNC_SUBPROTOCOL) ? SYNC_SUBPROTOCOL : false),
  });
  const counts = new Map<string, number>();
  const bySession = new Map<string, Set<SessionTransport>>();

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", (error) => log.info({ err: error }, "a connection broke before its upgrade"));
    void upgrade(request, socket, head);
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    try {
      const admitted = await admit(request, options);
      if (typeof admitted === "number") return refuse(socket, admitted);
      if (signal.aborted) return refuse(socket, 503);
      sockets.handleUpgrade(request, socket, head, (ws) => {
        const { sessionId } = admitted.principal;
        const transport = connect(ws, socket, admitted, counts, options);
        const ofSession = bySession.get(sessionId) ?? new Set();
        bySession.set(sessionId, ofSession.add(transport));
        ws.once("close", () => {
          ofSession.delete(transport);
          if (ofSession.size === 0 && bySession.get(sessionId) === ofSession) bySession.delete(sessionId);
        });
      });
    } catch (error) {
      log.error({ err: error }, "an upgrade failed");
      refuse(socket, 503);
    }
  }

  server.on("upgrade", onUpgrade);
  signal.addEventListener("abort", () => {
    // Upgrades stay answered: without a listener Node would leave them hanging as plain requests.
    for (const ws of sockets.clients) ws.terminate();
  });
  return {
    endSession(sessionId) {
      for (const transport of bySession.get(sessionId) ?? []) {
        transport.close(CloseCode.unauthenticated, "session-ended");
      }
    },
    count: () => sockets.clients.size,
    bufferedBytes: () => [...sockets.clients].reduce((sum, { bufferedAmount }) => sum + bufferedAmount, 0),
  };
}

interface Admitted {
  name: RoomName;
  principal: AccountPrincipal;
  headers: Headers;
}

type RefusedStatus = 401 | 403 | 404 | 503;

async function admit(request: IncomingMessage, options: SyncSocketOptions): Promise<Admitted | RefusedStatus> {
  const name = roomNameIn(request.url ?? "");
  if (name === undefined) return 404;
  if (options.signal.aborted) return 503;
  const headers = headersOf(request);
  if (!options.allowsOrigin(headers)) return 403;
  const principal = await options.resolvePrincipal(headers);
  const meant = new URL(request.url ?? "", "http://localhost").searchParams.get(ACCOUNT_PARAMETER);
  const isMeant = meant === null || meant === principal?.accountId;
  return principal && isMeant ? { name, principal, headers } : 401;
}

// Room names hold nothing that a client would have to escape.
const roomNameIn = (url: string): RoomName | undefined => {
  const [, room] = /^\/sync\/([^/?#]{1,80})(?:\?.*)?$/.exec(url) ?? [];
  return room === undefined ? undefined : parseRoomName(room);
};

function headersOf(request: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) headers.append(name, one);
  }
  return headers;
}

const REASONS: Record<RefusedStatus, string> = {
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  503: "Service Unavailable",
};

function refuse(socket: Duplex, status: RefusedStatus): void {
  if (socket.destroyed) return;
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${REASONS[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function connect(
  ws: WebSocket,
  socket: Duplex,
  { name, principal, headers }: Admitted,
  counts: Map<string, number>,
  options: SyncSocketOptions,
): SessionTransport {
  const { log, rooms, meters = NO_METERS } = options;
  const open = (counts.get(principal.accountId) ?? 0) + 1;
  counts.set(principal.accountId, open);
  const acks = ws.protocol === SYNC_SUBPROTOCOL ? createAckWatch(meters.acknowledged) : undefined;
  const transport = transportOf(ws, log, {
    onSend: (frame) => acks?.sent(frame, performance.now()),
    onClose: meters.socketClosed,
  });
  const timers = watchOver(ws, transport, principal, headers, options);
  const session =
    open > SOCKETS_PER_ACCOUNT ? undefined : rooms.join(principal, name, transport, ws.protocol === SYNC_SUBPROTOCOL);
  if (session === undefined) transport.close(CloseCode.tryAgainLater, "too-many");

  const budget = createFrameBudget(Date.now());
  ws.on("message", (message: RawData, isBinary: boolean) => {
    if (!isBinary) return transport.close(CloseCode.invalid, "text");
    const bytes = bytesOf(message);
    acks?.received(bytes, performance.now());
    const wait = budget.take(Date.now(), frameCost(bytes));
    if (wait > 0) transport.hold(wait);
    session?.receive(bytes);
  });
  socket.on("drain", () => session?.drained());
  // `close` follows every error, e.g. 1009 for a message over the limit.
  ws.on("error", (error) => log.info({ err: error }, "a sync socket broke"));
  ws.once("close", () => {
    timers.stop();
    transport.stop();
    const left = (counts.get(principal.accountId) ?? 1) - 1;
    if (left > 0) counts.set(principal.accountId, left);
    else counts.delete(principal.accountId);
    session?.left();
  });
  return transport;
}

function bytesOf(message: RawData): Uint8Array {
  if (message instanceof ArrayBuffer) return new Uint8Array(message);
  return Array.isArray(message) ? Buffer.concat(message) : message;
}

interface SocketTransport extends SessionTransport {
  /** stops reading for so many ms */
  hold(ms: number): void;
  stop(): void;
}

interface TransportEvents {
  onSend(frame: Uint8Array): void;
  onClose(code: number): void;
}

function transportOf(ws: WebSocket, log: RoomLogger, { onSend, onClose }: TransportEvents): SocketTransport {
  const holds = new Set<"room" | "budget">();
  let cut: NodeJS.Timeout | undefined;
  let release: NodeJS.Timeout | undefined;
  const isOpen = (): boolean => ws.readyState === ws.OPEN;
  function hold(why: "room" | "budget"): void {
    holds.add(why);
    if (isOpen()) ws.pause();
  }
  function go(why: "room" | "budget"): void {
    holds.delete(why);
    if (holds.size === 0 && isOpen()) ws.resume();
  }
  return {
    send(frame) {
      if (!isOpen()) return;
      onSend(frame);
      ws.send(frame, { binary: true }, (error) => {
        if (error) log.info({ err: error }, "a frame was not sent");
      });
    },
    close(code, reason) {
      if (!isOpen()) return;
      onClose(code);
      ws.resume();
      ws.close(code, reason);
      cut = setTimeout(() => ws.terminate(), CLOSE_GRACE_MS);
    },
    bufferedBytes: () => ws.bufferedAmount,
    pause: () => hold("room"),
    resume: () => go("room"),
    hold(ms) {
      hold("budget");
      clearTimeout(release);
      release = setTimeout(() => go("budget"), ms);
    },
    stop() {
      clearTimeout(cut);
      clearTimeout(release);
    },
  };
}

/** Drops a peer that is gone, and one whose session ended. */
function watchOver(
  ws: WebSocket,
  transport: SessionTransport,
  principal: AccountPrincipal,
  headers: Headers,
  options: SyncSocketOptions,
): { stop: () => void } {
  const { log, pingMs = PING_MS, recheckMs = RECHECK_MS } = options;
  let silences = 0;
  ws.on("pong", () => {
    silences = 0;
  });
  const pings = setInterval(() => {
    if (silences >= 2) return ws.terminate();
    silences += 1;
    if (ws.readyState === ws.OPEN) ws.ping();
  }, pingMs);
  const rechecks = setInterval(() => void recheck(), recheckMs);

  async function recheck(): Promise<void> {
    try {
      const now = await options.resolvePrincipal(headers);
      const same = now?.accountId === principal.accountId && now.workspaceId === principal.workspaceId;
      if (!same) transport.close(CloseCode.unauthenticated, "session-ended");
    } catch (error) {
      // A database that cannot answer now proves nothing about the session; the next check will.
      log.warn({ err: error }, "a session could not be checked");
    }
  }
  return {
    stop() {
      clearInterval(pings);
      clearInterval(rechecks);
    },
  };
}
