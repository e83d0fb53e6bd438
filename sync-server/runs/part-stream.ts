import { createChunkReader } from "./completion-chunks.ts";
import type { ProviderBody } from "./provider-body.ts";
import type { ProviderPart } from "./provider.ts";
import { createSseParser } from "./sse-parser.ts";

type Batch = readonly ProviderPart[];
type Result = IteratorResult<Batch, undefined>;
export type Batches = AsyncIterator<Batch, undefined>;

const OVER = { value: undefined, done: true } as const;
const OPEN: Batch = [{ type: "open" }];
const CUT: Batch = [{ type: "failed", failure: { class: "cut" } }];
const TOO_LARGE: Batch = [{ type: "failed", failure: { class: "bad_response", said: "event_too_large" } }];
const FLOODED: Batch = [{ type: "failed", failure: { class: "log" } }];

/** Bytes looked at at once; what they say is more than the log was asked for. */
const BATCH_BYTES = 256 * 1024;
/**
 * What may wait for the reader: the longest answer, of characters that take six bytes each. A provider that has sent
 * more while the log is stuck is left.
 */
export const MOST_WAITING_BYTES = 16 * 1024 * 1024;
/** about what keeping a piece takes beside its bytes; a piece may be one byte */
const PIECE_BYTES = 256;

/** A small piece of what was read at once would keep all of it, as where the rest is said to be no content. */
const alone = (piece: Uint8Array): Uint8Array =>
  piece.byteLength * 2 < piece.buffer.byteLength ? Buffer.from(piece) : piece;

/** One batch, and no more. */
export function onlyBatch(batch: Batch): Batches {
  let next: Batch | undefined = batch;
  return {
    async next() {
      const value = next;
      next = undefined;
      return value === undefined ? OVER : { value, done: false };
    },
  };
}

/**
 * Reads the body of an accepted answer. Bytes are looked at when they are asked for, all at once: tokens that came
 * between two looks are one batch. No generator and no stream, for each costs more than a token.
 */
export function openPartStream(body: ProviderBody): Batches {
  const parser = createSseParser();
  const chunks = createChunkReader();
  let bytes: Uint8Array[] = [];
  let size = 0;
  let opened = false;
  let saidAll = false;
  /** how the body ended; `over` once that was handed over, or nobody wants to know */
  let end: "whole" | "cut" | "flooded" | "over" | undefined;
  let answer: ((result: Result) => void) | undefined;

  /** What there is to hand over; `undefined` where there is nothing yet, or nothing more. */
  function take(): Batch | undefined {
    if (!opened) {
      opened = true;
      return OPEN;
    }
    while (bytes.length > 0) {
      const parts = parse(shift());
      if (parts.length > 0) return parts;
    }
    const last = end === "cut" ? CUT : end === "flooded" ? FLOODED : undefined;
    if (end !== undefined) end = "over";
    return last;
  }

  /** Takes the next bytes off what waits. */
  function shift(): Uint8Array {
    let count = 0;
    let length = 0;
    for (const piece of bytes) {
      if (count > 0 && length + piece.byteLength > BATCH_BYTES) break;
      count += 1;
      length += piece.byteLength;
    }
    size -= length + count * PIECE_BYTES;
    const taken = bytes.splice(0, count);
    const [first] = taken;
    return count === 1 && first ? first : Buffer.concat(taken);
  }

  function parse(taken: Uint8Array): Batch {
    const events = parser.push(taken);
    if (events === undefined) {
      leave();
      return TOO_LARGE;
    }
    const parts: ProviderPart[] = [];
    for (const event of events) {
      if (event.type === "comment") parts.push({ type: "alive" });
      else for (const part of chunks.read(event.data)) parts.push(part);
    }
    saidAll ||= parts.some(({ type }) => type === "done");
    return parts;
  }

  function tell(): void {
    if (answer === undefined) return;
    const value = take();
    if (value === undefined && end === undefined) return;
    const to = answer;
    answer = undefined;
    to(value === undefined ? OVER : { value, done: false });
  }

  /** What came so far is still handed over. */
  function flood(): void {
    end = "flooded";
    body.discard();
  }

  function leave(): void {
    end = "over";
    bytes = [];
    size = 0;
    if (saidAll) body.leave();
    else body.discard();
  }

  body.read({
    data(piece) {
      if (end !== undefined) return;
      bytes.push(answer === undefined ? alone(piece) : piece);
      size += piece.byteLength + PIECE_BYTES;
      tell();
      if (size > MOST_WAITING_BYTES) flood();
    },
    ended(whole) {
      if (end !== undefined) return;
      end = whole ? "whole" : "cut";
      tell();
    },
  });

  return {
    next: () =>
      new Promise((resolve) => {
        answer = resolve;
        tell();
      }),
    async return() {
      leave();
      return OVER;
    },
  };
}
