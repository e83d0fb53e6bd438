import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { RawData, WebSocket } from "ws";
import { parseRoomName } from "#shared/domain/room-name.ts";
import type { RoomName } from "#shared/domain/room-name.ts";
import { ACCOUNT_PARAMETER } from "#shared/protocol/account-header.ts";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import { MULTIPLEX_SUBPROTOCOL } from "#shared/protocol/multiplex.ts";
import { MAX_FRAME_BYTES, SYNC_SUBPROTOCOL } from "#shared/protocol/sync-frames.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import { NO_METERS } from "#server/observability/meters.ts";
import type { Meters } from "#server/observability/meters.ts";
import { createAckWatch } from "./ack-watch.ts";
import { createFrameBudget, frameCost } from "./frame-budget-state.ts";
import type { Rooms, Session, SessionTransport } from "./rooms.ts";
import { openChannels } from "./socket-channels.ts";
import { createSocketCounts } from "./socket-counts.ts";
import type { SocketCounts } from "./socket-counts.ts";
import { transportOf } from "./socket-transport.ts";
import type { SocketTransport } from "./socket-transport.ts";
import { watchOver } from "./socket-watch.ts";
import type { WatchOptions } from "./socket-watch.ts";

/** A socket of many rooms may ask for as much as so many sockets. */
const SHARED_SHARE = 4;

export interface SyncSocketOptions extends WatchOptions {
  rooms: Rooms;
  allowsOrigin(headers: Headers): boolean;
  meters?: Meters;
  /** ends the service: no upgrades any more, and open sockets are cut */
  signal: AbortSignal;
}

export interface SyncSockets {
  /** Closes every socket of a session that was signed out (4401), without waiting for the next check. */
  endSession(sessionId: string): void;
  count(): number;
  /** what all sockets together accepted and the network did not take yet */
  bufferedBytes(): number;
}

/**
 * Serves `/sync/:room`, and `/sync` for many rooms at once (R23), on the upgrades of an HTTP server, and refuses every
 * other upgrade. Whoever has no session gets 401, a foreign Origin 403, a name that is no room 404. A document that is
 * not the caller's is accepted and closed 4404, because a browser cannot read the status of a refused upgrade.
 */
export function attachSyncSocket(server: Server, options: SyncSocketOptions): SyncSockets {
  const { signal, log } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    handleProtocols(offered, { url = "" }) {
      const spoken = placeIn(url) === "all" ? MULTIPLEX_SUBPROTOCOL : SYNC_SUBPROTOCOL;
      return offered.has(spoken) ? spoken : false;
    },
  });
  const counts = createSocketCounts();
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
    bufferedBytes: () =>
      [...bySession.values()].reduce(
        (sum, ofSession) => [...ofSession].reduce((own, transport) => own + transport.bufferedBytes(), sum),
        0,
      ),
  };
}

/** What a socket is for: one room, or as many as there are channels opened on it. */
type Place = RoomName | "all";

interface Admitted {
  place: Place;
  principal: AccountPrincipal;
  headers: Headers;
}

type RefusedStatus = 401 | 403 | 404 | 503;

async function admit(request: IncomingMessage, options: SyncSocketOptions): Promise<Admitted | RefusedStatus> {
  const place = placeIn(request.url ?? "");
  if (place === undefined || (place === "all" && !offersChannels(request))) return 404;
  if (options.signal.aborted) return 503;
  const headers = headersOf(request);
  if (!options.allowsOrigin(headers)) return 403;
  const principal = await options.resolvePrincipal(headers);
  const meant = new URL(request.url ?? "", "http://localhost").searchParams.get(ACCOUNT_PARAMETER);
  const isMeant = meant === null || meant === principal?.accountId;
  return principal && isMeant ? { place, principal, headers } : 401;
}

// Room names hold nothing that a client would have to escape.
function placeIn(url: string): Place | undefined {
  const [path, room] = /^\/sync(?:\/([^/?#]{1,80}))?(?:\?.*)?$/.exec(url) ?? [];
  if (path === undefined) return undefined;
  return room === undefined ? "all" : parseRoomName(room);
}

const offersChannels = ({ headers }: IncomingMessage): boolean =>
  (headers["sec-websocket-protocol"] ?? "").split(",").some((one) => one.trim() === MULTIPLEX_SUBPROTOCOL);

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
  admitted: Admitted,
  counts: SocketCounts,
  options: SyncSocketOptions,
): SessionTransport {
  const { log, meters = NO_METERS } = options;
  const { principal, place } = admitted;
  const transport = transportOf(ws, log, meters.socketClosed);
  const timers = watchOver(ws, transport, admitted, options);
  const join = joining(principal, transport, counts, options);
  const session =
    place === "all"
      ? openShared(transport, principal, counts, join, meters)
      : join(place, transport, ws.protocol === SYNC_SUBPROTOCOL);

  ws.on("message", (message: RawData, isBinary: boolean) => {
    // What a peer goes on sending until it has read that we closed is not served.
    if (ws.readyState !== ws.OPEN) return;
    if (isBinary) session?.receive(bytesOf(message));
    else transport.close(CloseCode.invalid, "text");
  });
  socket.on("drain", () => session?.drained());
  // `close` follows every error, e.g. 1009 for a message over the limit.
  ws.on("error", (error) => log.info({ err: error }, "a sync socket broke"));
  ws.once("close", () => {
    timers.stop();
    transport.stop();
    session?.left();
  });
  return transport;
}

type Join = (name: RoomName, lane: SessionTransport, extended: boolean) => Session | undefined;

/** Connects a socket, or a channel of one, to a room: counted, measured and held to its budget. */
function joining(
  principal: AccountPrincipal,
  socket: SocketTransport,
  counts: SocketCounts,
  { rooms, meters = NO_METERS }: SyncSocketOptions,
): Join {
  return (name, lane, extended) => {
    if (!counts.take(principal.accountId)) {
      lane.close(CloseCode.tryAgainLater, "too-many");
      return undefined;
    }
    const acks = extended ? createAckWatch(meters.acknowledged) : undefined;
    const send = (frame: Uint8Array): void => {
      acks?.sent(frame, performance.now());
      lane.send(frame);
    };
    const session = rooms.join(principal, name, { ...lane, send }, extended);
    const budget = createFrameBudget(Date.now());
    return {
      receive(bytes) {
        acks?.received(bytes, performance.now());
        socket.hold(budget.take(Date.now(), frameCost(bytes)));
        session.receive(bytes);
      },
      drained: session.drained,
      left() {
        counts.release(principal.accountId);
        session.left();
      },
    };
  };
}

/** A socket that carries many rooms is one of its account's, and so is each of its channels. */
function openShared(
  socket: SocketTransport,
  { accountId }: AccountPrincipal,
  counts: SocketCounts,
  join: Join,
  meters: Meters,
): Session | undefined {
  if (!counts.take(accountId)) {
    socket.close(CloseCode.tryAgainLater, "too-many");
    return undefined;
  }
  const budget = createFrameBudget(Date.now(), SHARED_SHARE);
  const channels = openChannels(socket, {
    join: (name, lane) => join(name, lane, true),
    spend: (frames) => socket.hold(budget.take(Date.now(), frames)),
    closed: meters.socketClosed,
  });
  return {
    ...channels,
    left() {
      counts.release(accountId);
      channels.left();
    },
  };
}

function bytesOf(message: RawData): Uint8Array {
  if (message instanceof ArrayBuffer) return new Uint8Array(message);
  return Array.isArray(message) ? Buffer.concat(message) : message;
}
