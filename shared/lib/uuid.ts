/** Fills the array with random bytes and returns it. In production: `crypto.getRandomValues`. */
export type RandomBytes = (length: number) => Uint8Array;

/** A UUIDv7 in its canonical lower-case form (RFC 9562 §5.7). */
export const UUID_V7_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Whether the text is a UUIDv7 in its canonical lower-case form (RFC 9562 §5.7). */
export const isUuidV7 = (text: string): boolean => UUID_V7_PATTERN.test(text);

/**
 * A UUIDv7 (RFC 9562 §5.7): 48 bits of `now` (ms since 1970), then random bits.
 * Ids made by one device sort by time; ids made in the same millisecond sort by chance.
 */
export function createUuidV7(now: number, randomBytes: RandomBytes): string {
  const bytes = randomBytes(16).slice();
  let time = Math.max(0, Math.floor(now));
  for (let i = 5; i >= 0; i--) {
    bytes[i] = time % 256;
    time = Math.floor(time / 256);
  }
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
