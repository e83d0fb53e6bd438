import { expect, test } from "vitest";
import { crc32 } from "./crc32.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("the check value of the CRC catalogue, and that of nothing", () => {
  expect(crc32(bytes("123456789"))).toBe(0xcbf43926);
  expect(crc32(bytes(""))).toBe(0);
});

/** As the standard defines it: the remainder of a division, bit by bit. */
function divided(message: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of message)
    for (let bit = 0; bit < 8; bit++) {
      const carry = ((remainder ^ (byte >> bit)) & 1) === 1;
      remainder = (remainder >>> 1) ^ (carry ? 0xedb88320 : 0);
    }
  return ~remainder >>> 0;
}

test("every length, from any place of a buffer", () => {
  const all = Uint8Array.from({ length: 200 }, (_, at) => (at * 151 + 7) & 0xff);
  for (let from = 0; from < 5; from++)
    for (let length = 0; length < 70; length++) {
      const some = all.subarray(from, from + length);
      expect(crc32(some)).toBe(divided(some));
    }
});

test("one bit that flipped anywhere changes it", () => {
  const sound = bytes("what was stored is what is read");
  for (let bit = 0; bit < sound.length * 8; bit++) {
    const garbled = sound.slice();
    garbled[bit >> 3]! ^= 1 << (bit & 7);
    expect(crc32(garbled)).not.toBe(crc32(sound));
  }
});
