import { expect, test } from "vitest";
import { createSeededRandom } from "#tests/support/seeded-random.ts";
import { encodeChannelMessage, parseChannelMessage } from "./multiplex.ts";
import type { ChannelMessage } from "./multiplex.ts";

const EACH: ChannelMessage[] = [
  { type: "open", channel: 1, room: "conversation.01890000-0000-7000-8000-000000000000.0" },
  { type: "frame", channel: 300, frame: new Uint8Array([0, 2, 1, 255]) },
  { type: "frame", channel: 2 ** 31, frame: new Uint8Array() },
  { type: "close", channel: 0, code: 4404 },
];

test.each(EACH)("R23: $type on channel $channel is read as it was written", (message) => {
  expect(parseChannelMessage(encodeChannelMessage(message))).toEqual({ ok: true, value: message });
});

test("R23: what is cut, too long or of an unknown kind is malformed, and never throws", () => {
  const open = encodeChannelMessage(EACH[0]!);
  const close = encodeChannelMessage(EACH[3]!);
  for (const bytes of [[], [1], [1, 9], open.slice(0, -1), [...open, 0], [...close, 7]])
    expect(parseChannelMessage(new Uint8Array(bytes)), String(bytes)).toEqual({ ok: false, failure: "malformed" });
  // lib0 reads Infinity and NaN from these, and would write Infinity for ever.
  for (const zeros of [8, 147, 148, 200]) {
    const number = [...Array<number>(zeros).fill(0x80), 1];
    for (const bytes of [
      [...number, 0, 0],
      [...number, 1],
      [1, 2, ...number],
      [1, 0, ...number],
    ])
      expect(parseChannelMessage(new Uint8Array(bytes)).ok, String(zeros)).toBe(false);
  }
  const random = createSeededRandom(23);
  for (let round = 0; round < 5_000; round++) {
    const bytes = random.bytes(Math.floor(random.next() * 12));
    expect(() => parseChannelMessage(bytes)).not.toThrow();
  }
});
