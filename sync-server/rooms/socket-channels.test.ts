import { expect, test } from "vitest";
import { formatRoomName } from "#shared/domain/room-name.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import { MAX_CHANNELS, encodeChannelMessage, parseChannelMessage } from "#shared/protocol/multiplex.ts";
import type { ChannelMessage } from "#shared/protocol/multiplex.ts";
import { assert } from "#shared/lib/assert.ts";
import type { SessionTransport } from "./rooms.ts";
import { openChannels } from "./socket-channels.ts";
import { CLOSE_BYTES } from "./slow-socket-state.ts";

const roomOf = (number: number): string =>
  formatRoomName({
    kind: "conversation",
    id: `01890000-0000-7000-8000-${String(number).padStart(12, "0")}` as ConversationId,
    epoch: 0,
  });

/** Channels over a socket that notes what it is told, and rooms that note what they hear. */
function aSocket() {
  const heard: string[] = [];
  const sent: ChannelMessage[] = [];
  const lanes = new Map<string, SessionTransport>();
  const closed: number[] = [];
  let buffered = 0;
  let spent = 0;
  const session = openChannels(
    {
      send(bytes) {
        const message = parseChannelMessage(bytes);
        assert(message.ok, "what is sent can be read");
        sent.push(message.value);
      },
      close: (code, reason) => heard.push(`socket closed ${code} ${reason}`),
      bufferedBytes: () => buffered,
      pause: () => heard.push("paused"),
      resume: () => heard.push("resumed"),
    },
    {
      join(name, lane) {
        const room = formatRoomName(name);
        lanes.set(room, lane);
        return {
          receive: (frame) => heard.push(`${room.slice(-3)} hears ${frame.join()}`),
          drained: () => heard.push(`${room.slice(-3)} drained`),
          left: () => heard.push(`${room.slice(-3)} left`),
        };
      },
      spend: (frames) => void (spent += frames),
      closed: (code) => closed.push(code),
    },
  );
  const take = (message: ChannelMessage): void => session.receive(encodeChannelMessage(message));
  const lane = (number: number): SessionTransport => {
    const found = lanes.get(roomOf(number));
    assert(found, "the room was joined");
    return found;
  };
  return {
    session,
    take,
    open: (channel: number, room = roomOf(channel)) => take({ type: "open", channel, room }),
    lane,
    heard,
    sent,
    closed,
    spent: () => spent,
    buffer: (bytes: number) => void (buffered = bytes),
  };
}

test("R23: each channel is a session of its own room", () => {
  const { take, open, lane, heard, sent, session } = aSocket();
  open(1);
  open(2);
  take({ type: "frame", channel: 2, frame: new Uint8Array([7]) });
  lane(1).send(new Uint8Array([9]));
  session.drained();
  take({ type: "close", channel: 1, code: 1000 });
  lane(1).send(new Uint8Array([10]));
  session.left();
  expect(sent).toEqual([{ type: "frame", channel: 1, frame: new Uint8Array([9]) }]);
  expect(heard).toEqual(["2.0 hears 7", "1.0 drained", "2.0 drained", "1.0 left", "2.0 left"]);
});

test("R23: a room that closes a channel leaves the others alone, and late frames go nowhere", () => {
  const { take, open, lane, heard, sent } = aSocket();
  open(1);
  open(2);
  lane(1).close(CloseCode.gone, "unknown");
  lane(1).close(CloseCode.gone, "unknown");
  take({ type: "frame", channel: 1, frame: new Uint8Array([1]) });
  take({ type: "frame", channel: 2, frame: new Uint8Array([2]) });
  expect(sent).toEqual([{ type: "close", channel: 1, code: 4404 }]);
  expect(heard).toEqual(["1.0 left", "2.0 hears 2"]);
});

test("R23: a name that is no room closes its channel, and one too many comes back later", () => {
  const { open, sent, take } = aSocket();
  open(1, "conversation.what.0");
  for (let channel = 2; channel < MAX_CHANNELS + 3; channel++) open(channel);
  expect(sent).toEqual([
    { type: "close", channel: 1, code: 4422 },
    { type: "close", channel: MAX_CHANNELS + 2, code: 1013 },
  ]);
  take({ type: "close", channel: 2, code: 1000 });
  open(MAX_CHANNELS + 3);
  expect(sent).toHaveLength(2);
});

test("R23: what is malformed, and a number used again, ends the socket", () => {
  const cut = aSocket();
  cut.session.receive(new Uint8Array([1]));
  expect(cut.heard).toEqual(["socket closed 4422 malformed"]);
  const again = aSocket();
  again.open(5);
  again.take({ type: "close", channel: 5, code: 1000 });
  again.open(5);
  expect(again.heard).toEqual(["5.0 left", "socket closed 4422 malformed"]);
});

test("R12, R23: who does not read loses the socket; whoever finds no room on it, however full it is, only the channel", () => {
  const { open, lane, heard, sent, buffer, closed } = aSocket();
  open(1);
  open(2);
  buffer(CLOSE_BYTES);
  lane(1).close(CloseCode.tryAgainLater, "crowded");
  lane(2).close(CloseCode.tryAgainLater, "slow");
  expect(sent).toEqual([{ type: "close", channel: 1, code: 1013 }]);
  expect(heard).toEqual(["1.0 left", "socket closed 1013 slow"]);
  expect(closed).toEqual([1013]);
});

test("R12, R23: a peer that only asks, and reads nothing of what it is told, is closed", () => {
  const { open, heard, buffer } = aSocket();
  buffer(CLOSE_BYTES + 1);
  open(1, "no room");
  expect(heard).toEqual(["socket closed 1013 slow"]);
});

test("R23: every message costs something, also one that leads nowhere", () => {
  const { open, take, spent } = aSocket();
  const costOf = (act: () => void): number => {
    const before = spent();
    act();
    return spent() - before;
  };
  expect(costOf(() => open(1, "no room"))).toBe(10);
  expect(costOf(() => open(2))).toBe(10);
  expect(costOf(() => take({ type: "frame", channel: 9, frame: new Uint8Array(160 * 1024).fill(7) }))).toBe(11);
  expect(costOf(() => take({ type: "close", channel: 9, code: 1000 }))).toBe(1);
});

test("R23: the socket is read again once no room wants it to wait, also when that room is gone", () => {
  const { open, lane, heard, take } = aSocket();
  open(1);
  open(2);
  lane(1).pause?.();
  lane(2).pause?.();
  lane(1).resume?.();
  lane(1).resume?.();
  take({ type: "close", channel: 2, code: 1000 });
  expect(heard).toEqual(["paused", "paused", "resumed", "2.0 left"]);
});
