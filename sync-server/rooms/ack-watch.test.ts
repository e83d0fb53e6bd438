import { expect, test } from "vitest";
import { encodeFrame } from "#shared/protocol/sync-frames.ts";
import { createAckWatch } from "./ack-watch.ts";

const update = encodeFrame({ type: "update", update: new Uint8Array([0, 0]) });
const step1 = encodeFrame({ type: "step1", stateVector: new Uint8Array([0]) });
const ack = (frames: number): Uint8Array => encodeFrame({ type: "ack", frames, headSeq: 1 });

test("R9: each document frame is measured once, from its arrival to the ack that covers it", () => {
  const waits: number[] = [];
  const watch = createAckWatch((ms) => waits.push(ms));
  watch.received(update, 100);
  watch.received(step1, 101);
  watch.received(update, 103);
  watch.received(update, 110);
  watch.sent(step1, 111);
  watch.sent(ack(2), 112);
  expect(waits).toEqual([12, 9]);
  watch.sent(ack(2), 120);
  watch.sent(ack(3), 130);
  expect(waits).toEqual([12, 9, 20]);
});
