import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { parseConversationId } from "#shared/domain/ids.ts";
import type { DocumentId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { readUint } from "./read-uint.ts";
import { MAX_FRAME_BYTES, NACK_CODES } from "./sync-frames.ts";
import type { NackCode } from "./sync-frames.ts";

// Bodies of POST /api/sync/pull and /push: many documents in one request, as bytes. A first number is the version of
// the form; answers come in the order of what was asked, and name nothing again.

export const BULK_TYPE = "application/octet-stream";

/** How many documents one request may name. */
export const BULK_DOCUMENTS = 200;

/** The longest body of a pull: 200 documents with a state vector of 5 KB each. */
export const PULL_BODY_BYTES = 1024 * 1024;

/** The longest body of a push: what one frame may carry, and the words around it. */
export const PUSH_BODY_BYTES = MAX_FRAME_BYTES + 64 * 1024;

/** From here on an answer to a pull says `later` for what is left; a document that is longer comes alone. */
export const PULL_ANSWER_BYTES = 4 * 1024 * 1024;

/** A document somebody wants to have, and what they have of it. */
export interface Wanted {
  id: DocumentId;
  epoch: number;
  /** the end of the server's log up to which they have it; 0 for nothing */
  haveSeq: number;
  /** what they have, so that only the rest is sent; absent for all of it */
  stateVector: Uint8Array | undefined;
}

export type Pulled =
  /** nothing was written after `haveSeq` */
  | { type: "same" }
  /** one update with everything up to `headSeq`, to be applied in one transaction */
  | { type: "state"; epoch: number; headSeq: number; update: Uint8Array }
  /** there is no such document for the caller */
  | { type: "gone" }
  /** it did not fit into this answer, or cannot be read now: ask again */
  | { type: "later" };

/** Edits of one document, merged into one update. */
export interface Pushed {
  id: DocumentId;
  epoch: number;
  update: Uint8Array;
}

export type PushAnswer =
  /** the edits are durable; the log ended at `headSeq` then */
  | { type: "acknowledged"; headSeq: number }
  /** they were not taken, and the document is as it was */
  | { type: "refused"; code: NackCode }
  /** there is no such document for the caller */
  | { type: "gone" }
  /** the document lives on in a newer epoch */
  | { type: "old-epoch" }
  /** the server could not store them now: come back with the same */
  | { type: "later" };

const VERSION = 1;
const PULLED = { same: 0, state: 1, gone: 2, later: 3 } as const;
const ANSWER = { acknowledged: 0, refused: 1, gone: 2, "old-epoch": 3, later: 4 } as const;

export const encodePull = (wanted: readonly Wanted[]): Uint8Array =>
  encodeList(wanted, (encoder, { id, epoch, haveSeq, stateVector }) => {
    encoding.writeVarString(encoder, id);
    encoding.writeVarUint(encoder, epoch);
    encoding.writeVarUint(encoder, haveSeq);
    encoding.writeVarUint8Array(encoder, stateVector ?? new Uint8Array());
  });

/**
 * Reads the body of a pull, which names each document once. Total: bytes that are no such list are a failure, never a
 * throw.
 */
export function parsePull(bytes: Uint8Array): Result<Wanted[], "malformed"> {
  const parsed = parseList(bytes, (decoder): Wanted => {
    const [id, epoch, haveSeq] = [readId(decoder), number(decoder), number(decoder)];
    const stateVector = bytesOf(decoder);
    return { id, epoch, haveSeq, stateVector: stateVector.length > 0 ? stateVector : undefined };
  });
  if (!parsed.ok) return parsed;
  const ids = new Set(parsed.value.map(({ id }) => id));
  return ids.size === parsed.value.length ? parsed : err("malformed");
}

export const encodePulled = (answers: readonly Pulled[]): Uint8Array =>
  encodeList(answers, (encoder, answer) => {
    encoding.writeVarUint(encoder, PULLED[answer.type]);
    if (answer.type !== "state") return;
    encoding.writeVarUint(encoder, answer.epoch);
    encoding.writeVarUint(encoder, answer.headSeq);
    encoding.writeVarUint8Array(encoder, answer.update);
  });

/** Reads the answer to a pull. A kind that a newer server made up is malformed: its length is not known. */
export const parsePulled = (bytes: Uint8Array): Result<Pulled[], "malformed"> =>
  parseList(bytes, (decoder): Pulled => {
    const type = kindOf(PULLED, number(decoder));
    if (type !== "state") return { type };
    return { type, epoch: number(decoder), headSeq: number(decoder), update: bytesOf(decoder) };
  });

export const encodePush = (edits: readonly Pushed[]): Uint8Array =>
  encodeList(edits, (encoder, { id, epoch, update }) => {
    encoding.writeVarString(encoder, id);
    encoding.writeVarUint(encoder, epoch);
    encoding.writeVarUint8Array(encoder, update);
  });

/** Reads the body of a push, as `parsePull`; it may name a document again. */
export const parsePush = (bytes: Uint8Array): Result<Pushed[], "malformed"> =>
  parseList(bytes, (decoder) => ({ id: readId(decoder), epoch: number(decoder), update: bytesOf(decoder) }));

export const encodePushAnswers = (answers: readonly PushAnswer[]): Uint8Array =>
  encodeList(answers, (encoder, answer) => {
    encoding.writeVarUint(encoder, ANSWER[answer.type]);
    if (answer.type === "acknowledged") encoding.writeVarUint(encoder, answer.headSeq);
    if (answer.type === "refused") encoding.writeVarString(encoder, answer.code);
  });

/** Reads the answer to a push, as `parsePulled`. */
export const parsePushAnswers = (bytes: Uint8Array): Result<PushAnswer[], "malformed"> =>
  parseList(bytes, (decoder): PushAnswer => {
    const type = kindOf(ANSWER, number(decoder));
    if (type === "acknowledged") return { type, headSeq: number(decoder) };
    if (type !== "refused") return { type };
    const code = decoding.readVarString(decoder);
    // A code this version does not know still means "not taken": treat it as the one that keeps everything.
    return { type, code: NACK_CODES.find((known) => known === code) ?? "denied" };
  });

function encodeList<T>(items: readonly T[], write: (encoder: encoding.Encoder, item: T) => void): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, VERSION);
    encoding.writeVarUint(encoder, items.length);
    for (const item of items) write(encoder, item);
  });
}

function parseList<T>(bytes: Uint8Array, read: (decoder: decoding.Decoder) => T): Result<T[], "malformed"> {
  try {
    const decoder = decoding.createDecoder(bytes);
    const [version, length] = [number(decoder), number(decoder)];
    if (version !== VERSION || length > BULK_DOCUMENTS) return err("malformed");
    const items = Array.from({ length }, () => read(decoder));
    return decoding.hasContent(decoder) ? err("malformed") : ok(items);
  } catch {
    // lib0 throws on truncated or oversized fields, and so do the readers below.
    return err("malformed");
  }
}

const number = (decoder: decoding.Decoder): number => readUint(decoder);
const bytesOf = (decoder: decoding.Decoder): Uint8Array => decoding.readVarUint8Array(decoder).slice();

/** Whatever kind of document has it: they are all UUIDv7. */
function readId(decoder: decoding.Decoder): DocumentId {
  const id = parseConversationId(decoding.readVarString(decoder));
  if (id === undefined) throw new RangeError("no id");
  return id;
}

function kindOf<K extends string>(kinds: Readonly<Record<K, number>>, value: number): K {
  const known = (Object.keys(kinds) as K[]).find((kind) => kinds[kind] === value);
  if (known === undefined) throw new RangeError("no kind");
  return known;
}
