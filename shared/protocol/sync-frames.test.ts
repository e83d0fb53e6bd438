import fc from "fast-check";
import { expect, test } from "vitest";
import { NACK_CODES, encodeFrame, parseClientFrame, parseFrame } from "./sync-frames.ts";
import type { ServerFrame } from "./sync-frames.ts";

const bytes = fc.uint8Array({ maxLength: 64 });
const count = fc.nat(2 ** 31);
const frames: fc.Arbitrary<ServerFrame> = fc.oneof(
  fc.record({ type: fc.constant("step1" as const), stateVector: bytes }),
  fc.record({ type: fc.constantFrom("step2" as const, "update" as const, "awareness" as const), update: bytes }),
  fc.constant({ type: "query-awareness" as const }),
  fc.record({ type: fc.constant("ack" as const), frames: count, headSeq: count }),
  fc.record({ type: fc.constant("nack" as const), frame: count, code: fc.constantFrom(...NACK_CODES) }),
  fc.record({
    type: fc.constant("hello" as const),
    epoch: count,
    headSeq: count,
    mayWrite: fc.boolean(),
    maxFrameBytes: count,
  }),
  fc.constant({ type: "reauth" as const }),
  fc.constant({ type: "feed" as const }),
  fc.record({ type: fc.constant("digest" as const), seq: count, hash: bytes }),
  fc.record({ type: fc.constant("permission-denied" as const), reason: fc.string({ unit: "binary" }) }),
);

test("every frame reads back as it was written", () => {
  fc.assert(
    fc.property(frames, (frame) => {
      expect(parseFrame(encodeFrame(frame))).toEqual({ ok: true, value: frame });
    }),
  );
});

test("R1: any bytes give a frame or a failure, never a throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (message) => {
      expect(typeof parseFrame(message).ok).toBe("boolean");
    }),
    { numRuns: 2000 },
  );
});

test("R1: a message with bytes after its frame is malformed", () => {
  fc.assert(
    fc.property(frames, fc.uint8Array({ minLength: 1, maxLength: 8 }), (frame, rest) => {
      const message = new Uint8Array([...encodeFrame(frame), ...rest]);
      expect(parseFrame(message)).toEqual({ ok: false, failure: "malformed" });
    }),
  );
});

test("R1: every cut of a frame is refused", () => {
  fc.assert(
    fc.property(frames, fc.nat(), (frame, at) => {
      const whole = encodeFrame(frame);
      expect(parseFrame(whole.slice(0, at % whole.length)).ok).toBe(false);
    }),
  );
});

test("a client may not send what only the server says", () => {
  const ack = encodeFrame({ type: "ack", frames: 1, headSeq: 1 });
  expect(parseClientFrame(ack)).toEqual({ ok: false, failure: "malformed" });
});

test("a frame type of a newer peer is told apart from a broken one", () => {
  expect(parseFrame(new Uint8Array([77, 1, 2]))).toEqual({ ok: false, failure: "unknown-type" });
});
