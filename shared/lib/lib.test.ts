import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";
import { canonicalJson } from "./canonical-json.ts";
import { createUuidV7, isUuidV7 } from "./uuid.ts";

const fill = (byte: number) => (length: number) => new Uint8Array(length).fill(byte);

test("ids made later sort later, and are UUIDv7", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 45), fc.integer({ min: 1, max: 1e9 }), fc.nat(255), (now, later, byte) => {
      const [a, b] = [createUuidV7(now, fill(byte)), createUuidV7(now + later, fill(255 - byte))];
      expect(isUuidV7(a) && isUuidV7(b) && a < b).toBe(true);
    }),
  );
});

test("an id's time is its first 48 bits (RFC 9562, appendix A.6)", () => {
  expect(createUuidV7(0x017f22e279b0, fill(0))).toBe("017f22e2-79b0-7000-8000-000000000000");
});

test("equal values give equal canonical JSON, whatever the order of keys", () => {
  expect(canonicalJson({ b: [1, { z: null, a: "é" }], a: undefined, c: true })).toBe(
    '{"b":[1,{"a":"é","z":null}],"c":true}',
  );
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (record) => {
      const reversed = Object.fromEntries(Object.entries(record).toReversed());
      expect(canonicalJson(reversed)).toBe(canonicalJson(record));
      expect(JSON.parse(canonicalJson(record))).toEqual(JSON.parse(JSON.stringify(record)));
    }),
  );
});

test("back-off stays between zero and the cap", () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
      const wait = backoffMs(attempt, 500, 30_000, random);
      expect(wait >= 0 && wait < 30_000).toBe(true);
    }),
  );
});
