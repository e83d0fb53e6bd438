import { STATUS_CODES } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { RawData, WebSocket } from "ws";
import type { DocumentId } from "#shared/domain/ids.ts";
import { parseRoomName } from "#shared/domain/room-name.ts";
import type { RoomName } from "#shared/domain/room-name.ts";
import {
  ACCOUNT_HEADER,
  ACCOUNT_PARAMETER,
  WORKSPACE_HEADER,
  WORKSPACE_PARAMETER,
} from "#shared/protocol/account-header.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import { MULTIPLEX_SUBPROTOCOL } from "#shared/protocol/multiplex.ts";
import { MAX_FRAME_BYTES, SYNC_SUBPROTOCOL } from "#shared/protocol/sync-frames.ts";
import type { LiveRights } from "#server/access/live-rights.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import { NO_METERS } from "#server/observability/meters.ts";
import type { Meters } from "#server/observability/meters.ts";
import { createAckWatch } from "./ack-watch.ts";
import { createFrameBudget, frameCost } from "./frame-budget-state.ts";
import type { OnRefused, Rooms, Session, SessionTransport } from "./rooms.ts";
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
  rights: LiveRights;
  allowsOrigin(headers: Headers): boolean;
  /** Counts an upgrade, before and after it is known whose it is; answers the headers of a refusal for whom asks too often. */
  admitUpgrade?: (
    request: IncomingMessage,
    principal?: AccountPrincipal,
  ) => Promise<Readonly<Record<string, string>> | undefined>;
  /** To be told whom a document, or an edit of it, was refused. */
  onRefused?: (request: IncomingMessage, principal: AccountPrincipal, refusal: Refused) => void;
  meters?: Meters;
  /** ends the service: no upgrades any more, and open sockets are cut */
  signal: AbortSignal;
}

export interface Refused {
  document: DocumentId;
  action: Parameters<OnRefused>[0];
}

export interface SyncSockets {
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
  const transports = new Set<SessionTransport>();

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", (error) => log.info({ err: error }, "a connection broke before its upgrade"));
    void upgrade(request, socket, head);
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    try {
      const admitted = await admit(request, options);
      if (!admitted.ok) return refuse(socket, admitted.failure);
      if (signal.aborted) return refuse(socket, { status: 503 });
      sockets.handleUpgrade(request, socket, head, (ws) => {
        const transport = connect(ws, socket, admitted.value, counts, options);
        transports.add(transport);
        ws.once("close", () => transports.delete(transport));
      });
    } catch (error) {
      log.error({ err: error }, "an upgrade failed");
      refuse(socket, { status: 503 });
    }
  }

  server.on("upgrade", onUpgrade);
  signal.addEventListener("abort", () => {
    // Upgrades stay answered: without a listener Node would leave them hanging as plain requests.
    for (const ws of sockets.clients) ws.terminate();
  });
  return {
    count: () => sockets.clients.size,
    bufferedBytes: () => [...transports].reduce((sum, transport) => sum + transport.bufferedBytes(), 0),
  };
}

/** What a socket is for: one room, or as many as there are channels opened on it. */
type Place = RoomName | "all";

interface Admitted {
  request: IncomingMessage;
  place: Place;
  principal: AccountPrincipal;
  headers: Headers;
}

interface Refusal {
  status: 401 | 403 | 404 | 429 | 503;
  headers?: Readonly<Record<string, string>>;
}

async function admit(request: IncomingMessage, options: SyncSocketOptions): Promise<Result<Admitted, Refusal>> {
  const place = placeIn(request.url ?? "");
  if (place === undefined || (place === "all" && !offersChannels(request))) return err({ status: 404 });
  if (options.signal.aborted) return err({ status: 503 });
  const headers = headersOf(request);
  if (!options.allowsOrigin(headers)) return err({ status: 403 });
  const tooMany = await options.admitUpgrade?.(request);
  if (tooMany) return err({ status: 429, headers: tooMany });
  const principal = await options.resolvePrincipal(headers);
  if (principal === undefined) return err({ status: 401 });
  const tooManyOfTheirs = await options.admitUpgrade?.(request, principal);
  if (tooManyOfTheirs) return err({ status: 429, headers: tooManyOfTheirs });
  return ok({ request, place, principal, headers });
}

// Room names hold nothing that a client would have to escape.
function placeIn(url: string): Place | undefined {
  const [path, room] = /^\/sync(?:\/([^/?#]{1,80}))?(?:\?.*)?$/.exec(url) ?? [];
  if (path === undefined) return undefined;
  return room === undefined ? "all" : parseRoomName(room);
}

const SAID_IN_ADDRESS = [
  [ACCOUNT_HEADER, ACCOUNT_PARAMETER],
  [WORKSPACE_HEADER, WORKSPACE_PARAMETER],
] as const;

const offersChannels = ({ headers }: IncomingMessage): boolean =>
  (headers["sec-websocket-protocol"] ?? "").split(",").some((one) => one.trim() === MULTIPLEX_SUBPROTOCOL);

/** The headers of an upgrade, and those that a page cannot set, which stand in its address. */
function headersOf(request: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) headers.append(name, one);
  }
  const { searchParams } = new URL(request.url ?? "", "http://localhost");
  for (const [name, parameter] of SAID_IN_ADDRESS) {
    const value = searchParams.get(parameter);
    if (value !== null) headers.set(name, value);
  }
  return headers;
}

function refuse(socket: Duplex, { status, headers = {} }: Refusal): void {
  if (socket.destroyed) return;
  socket.once("finish", () => socket.destroy());
  const all = { connection: "close", "content-length": "0", ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n`);
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
  const join = joining(admitted, transport, counts, options);
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
  { request, principal }: Pick<Admitted, "request" | "principal">,
  socket: SocketTransport,
  counts: SocketCounts,
  { rooms, onRefused, meters = NO_METERS }: SyncSocketOptions,
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
    const refused: OnRefused = (action) => onRefused?.(request, principal, { document: name.id, action });
    const session = rooms.join(principal, name, { ...lane, send, refused }, extended);
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
