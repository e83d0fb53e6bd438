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

/** Bytes that may wait for the reader; beyond it the provider is not read. */
const WAITING_BYTES = 256 * 1024;

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
  let held = false;
  /** how the body ended; `over` once that was handed over, or nobody wants to know */
  let end: "whole" | "cut" | "over" | undefined;
  let answer: ((result: Result) => void) | undefined;

  /** What there is to hand over; `undefined` where there is nothing yet, or nothing more. */
  function take(): Batch | undefined {
    if (!opened) {
      opened = true;
      return OPEN;
    }
    const parts = size > 0 ? parse() : undefined;
    if (parts !== undefined && parts.length > 0) return parts;
    const last = end === "cut" ? CUT : undefined;
    if (end !== undefined) end = "over";
    return last;
  }

  function parse(): Batch {
    const [first] = bytes;
    const events = parser.push(bytes.length === 1 && first ? first : Buffer.concat(bytes));
    bytes = [];
    size = 0;
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
    if (!held || size > WAITING_BYTES) return;
    held = false;
    // Last, for more bytes may come before this returns.
    body.goOn();
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
      bytes.push(piece);
      size += piece.byteLength;
      if (size > WAITING_BYTES) {
        held = true;
        body.hold();
      }
      tell();
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
