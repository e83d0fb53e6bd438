import { expect, test } from "vitest";
import { crc32 } from "./crc32.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("the check value of the CRC catalogue, and that of nothing", () => {
  expect(crc32(bytes("123456789"))).toBe(0xcbf43926);
  expect(crc32(bytes(""))).toBe(0);
});

test("one bit that flipped anywhere changes it", () => {
  const sound = bytes("what was stored is what is read");
  for (let bit = 0; bit < sound.length * 8; bit++) {
    const garbled = sound.slice();
    garbled[bit >> 3]! ^= 1 << (bit & 7);
    expect(crc32(garbled)).not.toBe(crc32(sound));
  }
});
