import { parseFrame } from "#shared/protocol/sync-frames.ts";

/** More frames than this without an answer are not measured: the room closes such a peer soon (R12). */
const WATCHED_FRAMES = 8_192;

/**
 * Measures, at the edge of one extended socket, how long document frames wait for their `ack` (R9).
 * @param onAcknowledged called once a frame, with ms
 */
export function createAckWatch(onAcknowledged: (ms: number) => void): {
  received(message: Uint8Array, now: number): void;
  sent(frame: Uint8Array, now: number): void;
} {
  let arrivals: number[] = [];
  let settled = 0;
  return {
    received(message, now) {
      if (isDocumentFrame(message) && arrivals.length < WATCHED_FRAMES) arrivals.push(now);
    },
    sent(frame, now) {
      if (frame[0] !== ACK) return;
      const parsed = parseFrame(frame);
      if (!parsed.ok || parsed.value.type !== "ack") return;
      const count = parsed.value.frames - settled;
      settled = parsed.value.frames;
      for (const arrived of arrivals.slice(0, count)) onAcknowledged(now - arrived);
      arrivals = arrivals.slice(count);
    },
  };
}

/** The first byte of an `ack`. */
const ACK = 100;

/** SyncStep2 and Update: the frames that an `ack` counts. */
const isDocumentFrame = (message: Uint8Array): boolean => message[0] === 0 && (message[1] === 1 || message[1] === 2);
