import type { Decoder } from "lib0/decoding";
import * as Y from "yjs";
import { UPDATE_LIMITS } from "./update-limits.ts";

export type DecodedUpdate = ReturnType<typeof Y.decodeUpdate>;
export type Struct = DecodedUpdate["structs"][number];

class LimitExceeded extends Error {}

/**
 * Decodes a V1 update without touching a document. Stricter than `Y.decodeUpdate`: the bytes must be used up
 * to the last one (a V2 update read as V1 rarely is), and counting stops the work at the limits.
 * Answers `undefined` for anything else. Total: no bytes make it throw.
 */
export function decodeUpdate(update: Uint8Array): DecodedUpdate | undefined {
  if (update.byteLength > UPDATE_LIMITS.bytes) return undefined;
  const rest: Decoder[] = [];
  let structs = 0;
  let ranges = 0;

  class CountingDecoder extends Y.UpdateDecoderV1 {
    constructor(decoder: Decoder) {
      super(decoder);
      rest.push(decoder);
    }
    override readInfo(): number {
      structs += 1;
      if (structs > UPDATE_LIMITS.structs) throw new LimitExceeded();
      return super.readInfo();
    }
    override readDsClock(): number {
      ranges += 1;
      if (ranges > UPDATE_LIMITS.deletedRanges) throw new LimitExceeded();
      return super.readDsClock();
    }
  }

  try {
    const decoded = Y.decodeUpdateV2(update, CountingDecoder);
    const decoder = rest[0];
    return decoder !== undefined && decoder.pos === decoder.arr.length ? decoded : undefined;
  } catch {
    // Truncated fields, unknown content and stack-deep values all throw here; each is the sender's failure.
    return undefined;
  }
}

/** Reads a state vector; `undefined` where the bytes are none. */
export function decodeStateVector(bytes: Uint8Array): Map<number, number> | undefined {
  try {
    return Y.decodeStateVector(bytes);
  } catch {
    return undefined;
  }
}
