import type { WebSocket } from "ws";
import type { RoomLogger } from "./room-driver.ts";
import type { SessionTransport } from "./rooms.ts";

/** How long a peer may take to answer our close before the connection is cut. */
const CLOSE_GRACE_MS = 2_000;

/**
 * No more than about this is with Node at a time, longer frames in parts: of what it writes at once it does not tell how
 * much is gone, and a peer on a slow line would look like one that does not read.
 */
const PART_BYTES = 64 * 1024;

/** A WebSocket as rooms see it. */
export interface SocketTransport extends SessionTransport {
  /** stops reading for so many ms, 0 for not at all */
  hold(ms: number): void;
  stop(): void;
}

/** @param onClose called with the code when we close it */
export function transportOf(ws: WebSocket, log: RoomLogger, onClose: (code: number) => void): SocketTransport {
  const holds = new Set<"room" | "budget">();
  let cut: NodeJS.Timeout | undefined;
  let release: NodeJS.Timeout | undefined;
  let heldUntil = 0;
  /** what Node does not have yet: these frames, the first of them from `sentOfFirst` on */
  const queue: Uint8Array[] = [];
  let sentOfFirst = 0;
  let unsentBytes = 0;
  let acceptedBytes = 0;
  const isOpen = (): boolean => ws.readyState === ws.OPEN;
  const bufferedBytes = (): number => ws.bufferedAmount + unsentBytes;
  function hold(why: "room" | "budget"): void {
    holds.add(why);
    if (isOpen()) ws.pause();
  }
  function go(why: "room" | "budget"): void {
    holds.delete(why);
    if (holds.size === 0 && isOpen()) ws.resume();
  }
  /** Hands Node the next parts of frames, and more once it wrote one. */
  function sendOn(): void {
    for (let frame = queue[0]; frame && isOpen() && ws.bufferedAmount <= PART_BYTES; [frame] = queue) {
      const part = frame.subarray(sentOfFirst, sentOfFirst + PART_BYTES);
      sentOfFirst += part.byteLength;
      unsentBytes -= part.byteLength;
      const isLast = sentOfFirst === frame.byteLength;
      if (isLast) {
        queue.shift();
        sentOfFirst = 0;
      }
      ws.send(part, { binary: true, fin: isLast }, (error) => {
        if (error) log.info({ err: error }, "a frame was not sent");
        else sendOn();
      });
    }
  }
  return {
    send(frame) {
      if (!isOpen()) return;
      acceptedBytes += frame.byteLength;
      unsentBytes += frame.byteLength;
      queue.push(frame);
      sendOn();
    },
    close(code, reason) {
      if (!isOpen()) return;
      onClose(code);
      ws.resume();
      ws.close(code, reason);
      cut = setTimeout(() => ws.terminate(), CLOSE_GRACE_MS);
    },
    bufferedBytes,
    takenBytes: () => acceptedBytes - bufferedBytes(),
    pause: () => hold("room"),
    resume: () => go("room"),
    hold(ms) {
      const until = performance.now() + ms;
      // Each channel of a socket has a budget: the longest wait counts.
      if (ms <= 0 || until <= heldUntil) return;
      heldUntil = until;
      hold("budget");
      clearTimeout(release);
      release = setTimeout(() => go("budget"), ms);
    },
    stop() {
      clearTimeout(cut);
      clearTimeout(release);
    },
  };
}
