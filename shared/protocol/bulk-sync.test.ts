import fc from "fast-check";
import { expect, test } from "vitest";
import type { ConversationId } from "#shared/domain/ids.ts";
import { assert } from "#shared/lib/assert.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import {
  BULK_DOCUMENTS,
  encodePull,
  encodePulled,
  encodePush,
  encodePushAnswers,
  parsePull,
  parsePulled,
  parsePush,
  parsePushAnswers,
} from "./bulk-sync.ts";
import type { PushAnswer, Pulled, Pushed, Wanted } from "./bulk-sync.ts";
import { NACK_CODES } from "./sync-frames.ts";

const id = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => createUuidV7(1, () => bytes) as ConversationId);
const epoch = fc.nat({ max: 5 });
const bytes = fc.uint8Array({ maxLength: 40 });
const seq = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

const wanted: fc.Arbitrary<Wanted> = fc.record({
  id,
  epoch,
  haveSeq: seq,
  stateVector: fc.option(fc.uint8Array({ minLength: 1, maxLength: 40 }), { nil: undefined }),
});
const pulled: fc.Arbitrary<Pulled> = fc.oneof(
  fc.constantFrom<Pulled>({ type: "same" }, { type: "gone" }, { type: "later" }),
  fc.record({ type: fc.constant("state" as const), epoch, headSeq: seq, update: bytes }),
);
const pushed: fc.Arbitrary<Pushed> = fc.record({ id, epoch, update: bytes });
const answer: fc.Arbitrary<PushAnswer> = fc.oneof(
  fc.constantFrom<PushAnswer>({ type: "gone" }, { type: "old-epoch" }, { type: "later" }),
  fc.record({ type: fc.constant("acknowledged" as const), headSeq: seq }),
  fc.record({ type: fc.constant("refused" as const), code: fc.constantFrom(...NACK_CODES) }),
);

const FORMS = {
  pull: [fc.uniqueArray(wanted, { maxLength: 20, selector: (one) => one.id }), encodePull, parsePull],
  pulled: [fc.array(pulled, { maxLength: 20 }), encodePulled, parsePulled],
  push: [fc.array(pushed, { maxLength: 20 }), encodePush, parsePush],
  answers: [fc.array(answer, { maxLength: 20 }), encodePushAnswers, parsePushAnswers],
} as unknown as Record<
  string,
  [fc.Arbitrary<unknown[]>, (list: readonly unknown[]) => Uint8Array, (bytes: Uint8Array) => unknown]
>;

test.each(Object.entries(FORMS))("%s: what is written is read", (_, [lists, encode, parse]) => {
  fc.assert(
    fc.property(lists, (list) => {
      expect(parse(encode(list))).toEqual({ ok: true, value: list });
    }),
  );
});

test.each(Object.entries(FORMS))(
  "%s: any bytes give a list or a failure, never a throw",
  (_, [lists, encode, parse]) => {
    const near = fc.tuple(lists, fc.nat(), fc.nat({ max: 255 })).map(([list, at, byte]) => {
      const written = encode(list);
      written[at % written.length] = byte;
      return written;
    });
    fc.assert(
      fc.property(fc.oneof(near, fc.uint8Array({ maxLength: 60 })), (any) => {
        expect(parse(any)).toHaveProperty("ok");
      }),
    );
  },
);

test("a list that is cut, goes on, is of another version, or is too long is malformed", () => {
  const one = { id: createUuidV7(1, (length) => new Uint8Array(length)) as ConversationId, epoch: 0 };
  const list = encodePush([{ ...one, update: new Uint8Array([1, 2]) }]);
  const malformed = { ok: false, failure: "malformed" };
  expect(parsePush(list.subarray(0, -1))).toEqual(malformed);
  expect(parsePush(new Uint8Array([...list, 0]))).toEqual(malformed);
  expect(parsePush(new Uint8Array([2, ...list.subarray(1)]))).toEqual(malformed);
  const many = Array.from({ length: BULK_DOCUMENTS + 1 }, () => ({ ...one, update: new Uint8Array() }));
  expect(parsePush(encodePush(many))).toEqual(malformed);
  expect(parsePush(encodePush(many.slice(1)))).toMatchObject({ ok: true });
  expect(parsePush(encodePush([{ ...one, id: "no-id" as ConversationId, update: new Uint8Array() }]))).toEqual(
    malformed,
  );
});

test("a pull that names a document twice is malformed; a push may have more than one edit of it", () => {
  const [one, other] = [1, 2].map((time) => ({
    id: createUuidV7(time, (length) => new Uint8Array(length)) as ConversationId,
    epoch: 0,
    haveSeq: 0,
    stateVector: undefined,
  }));
  assert(one && other, "two documents");
  expect(parsePull(encodePull([one, other]))).toEqual({ ok: true, value: [one, other] });
  expect(parsePull(encodePull([one, other, { ...one, haveSeq: 1 }]))).toEqual({ ok: false, failure: "malformed" });
  const edit = { id: one.id, epoch: 0, update: new Uint8Array([1]) };
  expect(parsePush(encodePush([edit, edit]))).toEqual({ ok: true, value: [edit, edit] });
});

test("a nack of a newer server means that nothing was taken", () => {
  const written = encodePushAnswers([{ type: "refused", code: "sunspots" as "gap" }]);
  expect(parsePushAnswers(written)).toEqual({ ok: true, value: [{ type: "refused", code: "denied" }] });
});
