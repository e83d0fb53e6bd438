import {
  MAX_CHANNELS,
  MULTIPLEX_SUBPROTOCOL,
  encodeChannelMessage,
  parseChannelMessage,
} from "#shared/protocol/multiplex.ts";
import type { ChannelMessage } from "#shared/protocol/multiplex.ts";
import { ABNORMAL_CLOSE } from "./platform.ts";
import type { Clock, OpenSocket, Socket, SocketEvents } from "./platform.ts";

/** A socket without channels is kept so long: going from one chat to the next must not open another one. */
const LINGER_MS = 10_000;
/**
 * A channel that is given up after it waited so long for an answer, while nothing at all came by its socket, takes the
 * socket with it: that may be long dead. Below the shortest time that a document's engine waits (C8).
 */
const DEAD_MS = 4_000;

interface Channel {
  room: string;
  events: SocketEvents;
  /** since when it waits for anything to come, in ms; `undefined` where it does not */
  waitsSince: number | undefined;
}

/** One real socket, and what is open on it by the channels' numbers. */
interface Line {
  socket: Socket;
  open: boolean;
  /** when something came by it last, in ms */
  heardAt: number;
  channels: Map<number, Channel>;
  stopLingering: (() => void) | undefined;
}

/**
 * Opens sockets at `/sync/:room` as channels of one real socket at `/sync` (R23), which is opened for the first and
 * closed some time after the last; of another one where that is full. When it closes, all its channels close with its code.
 * @param clock one that nobody sets
 */
export function createMultiplexer(openSocket: OpenSocket, clock: Clock): OpenSocket {
  const lines = new Set<Line>();
  let last = 0;

  function connect(): Line {
    const line: Line = {
      socket: openSocket("/sync", [MULTIPLEX_SUBPROTOCOL], {
        onOpen() {
          if (!lines.has(line)) return;
          line.open = true;
          line.heardAt = clock.now();
          for (const [id, channel] of line.channels) begin(line, id, channel);
        },
        onMessage(bytes) {
          if (lines.has(line)) hear(line, bytes);
        },
        onClose: (code) => end(line, code),
      }),
      open: false,
      heardAt: -Infinity,
      channels: new Map(),
      stopLingering: undefined,
    };
    lines.add(line);
    return line;
  }

  const send = (line: Line, message: ChannelMessage): void => line.socket.send(encodeChannelMessage(message));

  function begin(line: Line, id: number, channel: Channel): void {
    if (line.channels.get(id) !== channel) return;
    send(line, { type: "open", channel: id, room: channel.room });
    channel.events.onOpen();
  }

  function hear(line: Line, bytes: Uint8Array): void {
    line.heardAt = clock.now();
    const message = parseChannelMessage(bytes);
    if (!message.ok) return drop(line);
    const channel = line.channels.get(message.value.channel);
    // One that is not there was closed here meanwhile.
    if (channel === undefined) return;
    channel.waitsSince = undefined;
    if (message.value.type === "frame") return channel.events.onMessage(message.value.frame);
    if (message.value.type !== "close") return;
    leave(line, message.value.channel);
    channel.events.onClose(message.value.code);
  }

  function leave(line: Line, id: number): void {
    line.channels.delete(id);
    if (line.channels.size === 0) line.stopLingering = clock.after(LINGER_MS, () => drop(line));
  }

  /** Nobody is given this line any more before its channels are told. */
  function end(line: Line, code: number): void {
    lines.delete(line);
    line.stopLingering?.();
    const closed = [...line.channels.values()];
    line.channels.clear();
    for (const { events } of closed) events.onClose(code);
  }

  function drop(line: Line): void {
    end(line, ABNORMAL_CLOSE);
    line.socket.close();
  }

  /** Whether a channel that is given up has shown that its line is dead. */
  function isDead(line: Line, { waitsSince }: Channel): boolean {
    return waitsSince !== undefined && clock.now() - waitsSince >= DEAD_MS && line.heardAt <= waitsSince;
  }

  return (path, _protocols, events) => {
    const line = [...lines].find(({ channels }) => channels.size < MAX_CHANNELS) ?? connect();
    line.stopLingering?.();
    line.stopLingering = undefined;
    const id = (last += 1);
    const channel: Channel = { room: path.replace("/sync/", ""), events, waitsSince: clock.now() };
    line.channels.set(id, channel);
    if (line.open) queueMicrotask(() => begin(line, id, channel));
    const isOpen = (): boolean => line.channels.get(id) === channel;
    return {
      send(message) {
        if (!isOpen()) return;
        // What came by its socket meanwhile is no answer, but a sign of life up to then.
        if (channel.waitsSince === undefined || line.heardAt >= channel.waitsSince) channel.waitsSince = clock.now();
        send(line, { type: "frame", channel: id, frame: message });
      },
      close() {
        if (!isOpen()) return;
        if (line.open) send(line, { type: "close", channel: id, code: NORMAL_CLOSE });
        leave(line, id);
        if (isDead(line, channel)) drop(line);
        queueMicrotask(() => events.onClose(ABNORMAL_CLOSE));
      },
      bufferedBytes: () => line.socket.bufferedBytes(),
    };
  };
}

const NORMAL_CLOSE = 1000;
