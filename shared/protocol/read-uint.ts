import * as decoding from "lib0/decoding";

/**
 * Reads a number as `readVarUint` of lib0 does, and throws where it is none that can be written again: lib0 does not look
 * at the last byte, and gives Infinity or NaN for one behind enough others. Writing Infinity never ends.
 */
export function readUint(decoder: decoding.Decoder): number {
  const value = decoding.readVarUint(decoder);
  if (!Number.isSafeInteger(value)) throw new RangeError("a number is too large");
  return value;
}
