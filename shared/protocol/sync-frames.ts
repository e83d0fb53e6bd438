import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { readUint } from "./read-uint.ts";

/** The subprotocol under which frames 100 and up are spoken. Without it, a socket is a stock y-websocket's. */
export const SYNC_SUBPROTOCOL = "holdfast.sync.v1";

/** The largest frame either side sends, in bytes. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024;

/** Why the server did not take a document frame. Stable. */
export const NACK_CODES = ["gap", "denied", "invalid", "quota", "epoch"] as const;
export type NackCode = (typeof NACK_CODES)[number];

/** What both sides may send: the y-websocket protocol. */
export type StockFrame =
  | { type: "step1"; stateVector: Uint8Array }
  | { type: "step2"; update: Uint8Array }
  | { type: "update"; update: Uint8Array }
  | { type: "awareness"; update: Uint8Array }
  | { type: "query-awareness" };

/** What only the server sends (but for `digest`), and only on sockets that negotiated `holdfast.sync.v1`. */
export type ExtensionFrame =
  /** every document frame (step2, update) up to the `frames`-th on this socket is durable, or was nacked before */
  | { type: "ack"; frames: number; headSeq: number }
  /** the `frame`-th document frame (from 1) on this socket was not taken; the document is untouched by it */
  | { type: "nack"; frame: number; code: NackCode }
  | { type: "hello"; epoch: number; headSeq: number; mayWrite: boolean; maxFrameBytes: number }
  /** the rights were re-evaluated: come back with a fresh session */
  | { type: "reauth" }
  /** SHA-256 of the canonical content at `seq`: the only detector of silent divergence. A client answers one that
   * is not of its copy with its own (C9). */
  | { type: "digest"; seq: number; hash: Uint8Array }
  /** the feed of this socket's account moved, by whichever document */
  | { type: "feed" };

export type ServerFrame = StockFrame | ExtensionFrame | { type: "permission-denied"; reason: string };
export type ClientFrame = StockFrame | Extract<ExtensionFrame, { type: "digest" }>;
type AnyFrame = ServerFrame;

const MESSAGE = {
  sync: 0,
  awareness: 1,
  auth: 2,
  queryAwareness: 3,
  ack: 100,
  nack: 101,
  hello: 102,
  reauth: 103,
  digest: 104,
  feed: 105,
};
const SYNC = { step1: 0, step2: 1, update: 2 };

/** Writes one frame as the bytes of one binary WebSocket message. */
export function encodeFrame(frame: AnyFrame): Uint8Array {
  return encoding.encode((encoder) => writeFrame(encoder, frame));
}

function writeFrame(encoder: encoding.Encoder, frame: AnyFrame): void {
  const numbers = (...values: number[]): void => {
    for (const value of values) encoding.writeVarUint(encoder, value);
  };
  const bytes = (value: Uint8Array): void => encoding.writeVarUint8Array(encoder, value);
  switch (frame.type) {
    case "step1":
      numbers(MESSAGE.sync, SYNC.step1);
      return bytes(frame.stateVector);
    case "step2":
    case "update":
      numbers(MESSAGE.sync, SYNC[frame.type]);
      return bytes(frame.update);
    case "awareness":
      numbers(MESSAGE.awareness);
      return bytes(frame.update);
    case "query-awareness":
      return numbers(MESSAGE.queryAwareness);
    case "permission-denied":
      numbers(MESSAGE.auth, 0);
      return encoding.writeVarString(encoder, frame.reason);
    case "ack":
      return numbers(MESSAGE.ack, frame.frames, frame.headSeq);
    case "nack":
      numbers(MESSAGE.nack, frame.frame);
      return encoding.writeVarString(encoder, frame.code);
    case "hello":
      return numbers(MESSAGE.hello, frame.epoch, frame.headSeq, frame.mayWrite ? 1 : 0, frame.maxFrameBytes);
    case "reauth":
    case "feed":
      return numbers(MESSAGE[frame.type]);
    case "digest":
      numbers(MESSAGE.digest, frame.seq);
      return bytes(frame.hash);
  }
}

export type FrameFailure = "malformed" | "unknown-type";

/**
 * Reads one WebSocket message. Total: any bytes give a frame or a failure, never a throw. A message must be
 * exactly one frame; bytes left over are malformed. `unknown-type` may come from a newer peer: ignore it.
 */
export function parseFrame(message: Uint8Array): Result<AnyFrame, FrameFailure> {
  try {
    const decoder = decoding.createDecoder(message);
    const frame = readFrame(decoder);
    if (frame === undefined) return err("unknown-type");
    return decoding.hasContent(decoder) ? err("malformed") : ok(frame);
  } catch {
    // lib0 throws on truncated or oversized fields; that is the peer's failure, not ours.
    return err("malformed");
  }
}

/** Reads what a client may send; server-only frames are malformed when a client sends them. */
export function parseClientFrame(message: Uint8Array): Result<ClientFrame, FrameFailure> {
  const frame = parseFrame(message);
  if (!frame.ok) return frame;
  switch (frame.value.type) {
    case "step1":
    case "step2":
    case "update":
    case "awareness":
    case "query-awareness":
    case "digest":
      return ok(frame.value);
    case "ack":
    case "nack":
    case "hello":
    case "reauth":
    case "feed":
    case "permission-denied":
      return err("malformed");
  }
}

function readFrame(decoder: decoding.Decoder): AnyFrame | undefined {
  const number = (): number => readUint(decoder);
  const bytes = (): Uint8Array => decoding.readVarUint8Array(decoder).slice();
  switch (number()) {
    case MESSAGE.sync:
      return readSyncFrame(number(), bytes());
    case MESSAGE.awareness:
      return { type: "awareness", update: bytes() };
    case MESSAGE.queryAwareness:
      return { type: "query-awareness" };
    case MESSAGE.auth:
      number();
      return { type: "permission-denied", reason: decoding.readVarString(decoder) };
    case MESSAGE.ack:
      return { type: "ack", frames: number(), headSeq: number() };
    case MESSAGE.nack:
      return { type: "nack", frame: number(), code: nackCode(decoding.readVarString(decoder)) };
    case MESSAGE.hello:
      return { type: "hello", epoch: number(), headSeq: number(), mayWrite: number() === 1, maxFrameBytes: number() };
    case MESSAGE.reauth:
      return { type: "reauth" };
    case MESSAGE.digest:
      return { type: "digest", seq: number(), hash: bytes() };
    case MESSAGE.feed:
      return { type: "feed" };
    default:
      return undefined;
  }
}

function readSyncFrame(kind: number, payload: Uint8Array): StockFrame | undefined {
  if (kind === SYNC.step1) return { type: "step1", stateVector: payload };
  if (kind === SYNC.step2) return { type: "step2", update: payload };
  if (kind === SYNC.update) return { type: "update", update: payload };
  return undefined;
}

// A code this version does not know still means "not taken": treat it as the one that keeps everything.
const nackCode = (text: string): NackCode => NACK_CODES.find((code) => code === text) ?? "denied";
