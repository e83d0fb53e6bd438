import * as encoding from "lib0/encoding";

/** A struct's id as it stands in an update; any numbers, also those no document could have. */
export interface RawId {
  client: number;
  clock: number;
}

export interface RawContent {
  /** 1 deleted, 2 JSON, 3 binary, 4 string, 5 embed, 6 format, 7 type, 8 any, 9 document; others are unknown */
  ref: number;
  /** how many clocks it takes */
  length: number;
  write(encoder: encoding.Encoder): void;
}

export type RawStruct =
  | { kind: "gc" | "skip"; length: number }
  | {
      kind: "item";
      origin?: RawId;
      rightOrigin?: RawId;
      /** written only where there is no origin, as the format has it: a root by name, or an item */
      parent: string | RawId;
      parentSub?: string;
      content: RawContent;
    };

/** Consecutive structs of one client. `claimed` is the count that is written, honest where absent. */
export interface RawSection {
  client: number;
  clock: number;
  structs: readonly RawStruct[];
  claimed?: number;
}

export interface RawDeletes {
  client: number;
  ranges: readonly { clock: number; length: number }[];
  claimed?: number;
}

export interface RawUpdate {
  sections: readonly RawSection[];
  deletes: readonly RawDeletes[];
}

/**
 * Writes an update in format V1 exactly as told, honest or not (Yjs 13: `writeClientsStructs`, `Item.write`,
 * `writeDeleteSet`). Yjs itself could not be made to write most of what a hostile peer sends.
 */
export function encodeUpdate({ sections, deletes }: RawUpdate): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, sections.length);
    for (const { client, clock, structs, claimed } of sections) {
      for (const value of [claimed ?? structs.length, client, clock]) encoding.writeVarUint(encoder, value);
      for (const struct of structs) writeStruct(encoder, struct);
    }
    encoding.writeVarUint(encoder, deletes.length);
    for (const { client, ranges, claimed } of deletes) {
      for (const value of [client, claimed ?? ranges.length]) encoding.writeVarUint(encoder, value);
      for (const { clock, length } of ranges)
        for (const value of [clock, length]) encoding.writeVarUint(encoder, value);
    }
  });
}

const HAS_ORIGIN = 128;
const HAS_RIGHT_ORIGIN = 64;
const HAS_KEY = 32;

function writeStruct(encoder: encoding.Encoder, struct: RawStruct): void {
  if (struct.kind !== "item") {
    encoding.writeUint8(encoder, struct.kind === "gc" ? 0 : 10);
    return encoding.writeVarUint(encoder, struct.length);
  }
  const { origin, rightOrigin, parent, parentSub, content } = struct;
  const flags =
    (origin ? HAS_ORIGIN : 0) | (rightOrigin ? HAS_RIGHT_ORIGIN : 0) | (parentSub === undefined ? 0 : HAS_KEY);
  encoding.writeUint8(encoder, content.ref | flags);
  if (origin) writeId(encoder, origin);
  if (rightOrigin) writeId(encoder, rightOrigin);
  if (!origin && !rightOrigin) writeParent(encoder, parent, parentSub);
  content.write(encoder);
}

function writeParent(encoder: encoding.Encoder, parent: string | RawId, key: string | undefined): void {
  encoding.writeVarUint(encoder, typeof parent === "string" ? 1 : 0);
  if (typeof parent === "string") encoding.writeVarString(encoder, parent);
  else writeId(encoder, parent);
  if (key !== undefined) encoding.writeVarString(encoder, key);
}

function writeId(encoder: encoding.Encoder, { client, clock }: RawId): void {
  encoding.writeVarUint(encoder, client);
  encoding.writeVarUint(encoder, clock);
}

/** What an item may carry. Lengths are clocks; texts count UTF-16 units. */
export const content = {
  string: (text: string): RawContent => ({
    ref: 4,
    length: text.length,
    write: (encoder) => encoding.writeVarString(encoder, text),
  }),
  any: (...values: unknown[]): RawContent => ({
    ref: 8,
    length: values.length,
    write(encoder) {
      encoding.writeVarUint(encoder, values.length);
      for (const value of values) encoding.writeAny(encoder, value as never);
    },
  }),
  deleted: (length: number): RawContent => ({
    ref: 1,
    length,
    write: (encoder) => encoding.writeVarUint(encoder, length),
  }),
  /** 0 array, 1 map, 2 text, 3 XML element, 4 XML fragment, 5 XML hook, 6 XML text */
  type: (type: number, name = "div"): RawContent => ({
    ref: 7,
    length: 1,
    write(encoder) {
      encoding.writeVarUint(encoder, type);
      if (type === 3 || type === 5) encoding.writeVarString(encoder, name);
    },
  }),
  binary: (bytes: Uint8Array): RawContent => ({
    ref: 3,
    length: 1,
    write: (encoder) => encoding.writeVarUint8Array(encoder, bytes),
  }),
  json: (...texts: string[]): RawContent => ({
    ref: 2,
    length: texts.length,
    write(encoder) {
      encoding.writeVarUint(encoder, texts.length);
      for (const text of texts) encoding.writeVarString(encoder, text);
    },
  }),
  embed: (json: string): RawContent => ({
    ref: 5,
    length: 1,
    write: (encoder) => encoding.writeVarString(encoder, json),
  }),
  format: (key: string, json: string): RawContent => ({
    ref: 6,
    length: 1,
    write(encoder) {
      encoding.writeVarString(encoder, key);
      encoding.writeVarString(encoder, json);
    },
  }),
  /** a document inside the document, loaded by every reader */
  document: (guid: string): RawContent => ({
    ref: 9,
    length: 1,
    write(encoder) {
      encoding.writeVarString(encoder, guid);
      encoding.writeAny(encoder, { autoLoad: true });
    },
  }),
  unknown: (ref: number): RawContent => ({ ref, length: 1, write: (encoder) => encoding.writeVarUint(encoder, 1) }),
} as const;
