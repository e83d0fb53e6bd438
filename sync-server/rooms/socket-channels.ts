import { parseRoomName } from "#shared/domain/room-name.ts";
import type { RoomName } from "#shared/domain/room-name.ts";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import { MAX_CHANNELS, encodeChannelMessage, parseChannelMessage } from "#shared/protocol/multiplex.ts";
import type { ChannelMessage } from "#shared/protocol/multiplex.ts";
import { frameCost } from "./frame-budget-state.ts";
import type { Session, SessionTransport } from "./rooms.ts";
import { CLOSE_BYTES } from "./slow-socket-state.ts";

export interface ChannelsHost {
  /** Connects a channel to its room; answers `undefined` where it closed the channel instead. */
  join(name: RoomName, transport: SessionTransport): Session | undefined;
  /** What each message costs, whatever becomes of it: an upgrade or a frame of a socket would cost as much. */
  spend(frames: number): void;
  /** we close a channel */
  closed(code: number): void;
}

/** What opening a channel costs, in frames. */
const OPENING_FRAMES = 10;
/** Why a session is sent away for what its socket does, not its document: it would come back on the same one. */
const OF_THE_SOCKET: ReadonlySet<string> = new Set(["slow", "flooded"]);

/**
 * Lets the rooms of many documents share one socket (R23). To each room its channel is a transport like any other;
 * what concerns the socket as a whole, as how much of it waits for the network, they see alike.
 */
export function openChannels(socket: SessionTransport, host: ChannelsHost): Session {
  /** `undefined` while it is being connected */
  const channels = new Map<number, Session | undefined>();
  const paused = new Set<number>();
  let last = -1;

  function malformed(): void {
    socket.close(CloseCode.invalid, "malformed");
  }

  function resume(channel: number): void {
    if (paused.delete(channel) && paused.size === 0) socket.resume?.();
  }

  function leave(channel: number): void {
    const session = channels.get(channel);
    channels.delete(channel);
    resume(channel);
    session?.left();
  }

  const transportOf = (channel: number): SessionTransport => ({
    send(frame) {
      if (channels.has(channel)) socket.send(encodeChannelMessage({ type: "frame", channel, frame }));
    },
    close(code, reason) {
      if (!channels.has(channel)) return;
      if (OF_THE_SOCKET.has(reason)) return socket.close(code, reason);
      host.closed(code);
      socket.send(encodeChannelMessage({ type: "close", channel, code }));
      leave(channel);
    },
    bufferedBytes: () => socket.bufferedBytes(),
    ...(socket.takenBytes && { takenBytes: socket.takenBytes }),
    pause() {
      paused.add(channel);
      socket.pause?.();
    },
    resume: () => resume(channel),
  });

  function open(channel: number, room: string): void {
    if (channel <= last) return malformed();
    last = channel;
    const isFull = channels.size >= MAX_CHANNELS;
    channels.set(channel, undefined);
    const transport = transportOf(channel);
    const name = parseRoomName(room);
    if (name === undefined) return transport.close(CloseCode.invalid, "no-room");
    if (isFull) return transport.close(CloseCode.tryAgainLater, "too-many");
    const session = host.join(name, transport);
    if (channels.has(channel)) channels.set(channel, session);
    else session?.left();
  }

  function take(message: ChannelMessage): void {
    switch (message.type) {
      case "open":
        host.spend(OPENING_FRAMES);
        return open(message.channel, message.room);
      case "frame":
        host.spend(frameCost(message.frame));
        // One that is not open was closed by us meanwhile.
        return channels.get(message.channel)?.receive(message.frame);
      case "close":
        host.spend(1);
        return leave(message.channel);
    }
  }

  return {
    receive(bytes) {
      // Where no room is joined, none looks at how much waits for a peer that only asks.
      if (socket.bufferedBytes() > CLOSE_BYTES) return socket.close(CloseCode.tryAgainLater, "slow");
      const message = parseChannelMessage(bytes);
      if (message.ok) take(message.value);
      else malformed();
    },
    drained() {
      for (const session of channels.values()) session?.drained();
    },
    left() {
      for (const channel of channels.keys()) leave(channel);
    },
  };
}
