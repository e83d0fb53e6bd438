/** The polynomial of IEEE 802.3, bits reversed. */
const POLYNOMIAL = 0xedb88320;
/** How many bytes are taken at once. */
const SLICE = 4;

/** For each value of a byte, what it leaves of the sum when 0, 1, 2 or 3 more bytes follow it: one table behind another. */
const TABLES = new Int32Array(SLICE * 256);
for (let at = 0; at < TABLES.length; at++) {
  const before = TABLES[at - 256] ?? 0;
  TABLES[at] = at < 256 ? divide(at) : (before >>> 8) ^ (TABLES[before & 0xff] ?? 0);
}

function divide(byte: number): number {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
  return remainder;
}

const after = (byte: number, following: number): number => TABLES[following * 256 + (byte & 0xff)] ?? 0;

/**
 * CRC-32 (IEEE 802.3, as in zip and PNG): finds what storage garbled by chance; no protection against intent. Four bytes at
 * a time (M. E. Kounavis and F. L. Berry, "A Systematic Approach to Building High Performance, Software-based, CRC
 * Generators", 2005), which takes a quarter of the time that one by one takes.
 */
export function crc32(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sliced = bytes.byteLength - (bytes.byteLength % SLICE);
  let crc = -1;
  for (let at = 0; at < sliced; at += SLICE) {
    crc ^= view.getInt32(at, true);
    crc = after(crc, 3) ^ after(crc >>> 8, 2) ^ after(crc >>> 16, 1) ^ after(crc >>> 24, 0);
  }
  for (const byte of bytes.subarray(sliced)) crc = (crc >>> 8) ^ after(crc ^ byte, 0);
  return ~crc >>> 0;
}
