import * as decoding from "lib0/decoding";
import type { Decoder } from "lib0/decoding";
import * as Y from "yjs";
import { readUint } from "#shared/protocol/read-uint.ts";
import { UPDATE_LIMITS } from "./update-limits.ts";

export type DecodedUpdate = ReturnType<typeof Y.decodeUpdate>;
export type Struct = DecodedUpdate["structs"][number];

/** Kinds of content that no document of ours has: JSON, embeds, formatting, documents in documents. */
const NO_CONTENT: ReadonlySet<number> = new Set([2, 5, 6, 9]);
const KIND_BITS = 31;

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
  let entries = 0;

  class CountingDecoder extends Y.UpdateDecoderV1 {
    constructor(decoder: Decoder) {
      super(decoder);
      rest.push(decoder);
    }
    override readInfo(): number {
      structs += 1;
      if (structs > UPDATE_LIMITS.structs) throw new LimitExceeded();
      const info = super.readInfo();
      // Some of them are JSON, which would be parsed, whatever its size, to be refused afterwards.
      if (NO_CONTENT.has(info & KIND_BITS)) throw new LimitExceeded();
      return info;
    }
    override readAny(): unknown {
      // Before it is read: two bytes can make a container of sixty, so a frame of them would fill the heap.
      const ahead = decoding.clone(this.restDecoder);
      entries = countEntries(ahead, entries);
      return super.readAny();
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
    const isUsedUp = decoder !== undefined && decoder.pos === decoder.arr.length;
    return isUsedUp && isSound(decoded) ? decoded : undefined;
  } catch {
    // Truncated fields, unknown content and stack-deep values all throw here; each is the sender's failure.
    return undefined;
  }
}

/** Whether each number of it can be written again (see `readUint`), and each clientID is one that Yjs gives. */
function isSound({ structs, ds }: DecodedUpdate): boolean {
  return (
    structs.every(isSoundStruct) &&
    [...ds.clients].every(
      ([client, ranges]) =>
        isClient(client) && ranges.every(({ clock, len }) => Number.isSafeInteger(clock) && Number.isSafeInteger(len)),
    )
  );
}

/** Yjs draws 32 bits. */
const isClient = (client: number): boolean => Number.isSafeInteger(client) && client <= 0xff_ff_ff_ff;
const isSoundStruct = (struct: Struct): boolean =>
  isId(struct.id) && Number.isSafeInteger(struct.length) && referencesOf(struct).every(isId);
const isId = ({ client, clock }: Y.ID): boolean => isClient(client) && Number.isSafeInteger(clock);

/** What a struct names of others: its neighbours and its parent. */
export function referencesOf(struct: Struct): Y.ID[] {
  if (!(struct instanceof Y.Item)) return [];
  const parent = struct.parent instanceof Y.ID ? struct.parent : null;
  return [struct.origin, struct.rightOrigin, parent].filter((id) => id !== null);
}

/** Counts the entries of arrays and objects of a plain value, and passes over it. Throws where they are too many. */
function countEntries(decoder: Decoder, before: number): number {
  let entries = before;
  const count = (more: number): number => {
    entries += more;
    if (entries > UPDATE_LIMITS.entries) throw new LimitExceeded();
    return more;
  };
  const skipBytes = (length: number): void => void (decoder.pos += length);
  function skip(): void {
    switch (decoding.readUint8(decoder)) {
      case 125:
        return void decoding.readVarInt(decoder);
      case 124:
        return skipBytes(4);
      case 123:
      case 122:
        return skipBytes(8);
      case 119:
      case 116:
        return skipBytes(readUint(decoder));
      case 118:
        for (let left = count(readUint(decoder)); left > 0; left--) {
          skipBytes(readUint(decoder));
          skip();
        }
        return undefined;
      case 117:
        for (let left = count(readUint(decoder)); left > 0; left--) skip();
    }
    return undefined;
  }
  skip();
  return entries;
}

/** Reads a state vector; `undefined` where the bytes are none. */
export function decodeStateVector(bytes: Uint8Array): Map<number, number> | undefined {
  try {
    return Y.decodeStateVector(bytes);
  } catch {
    return undefined;
  }
}
