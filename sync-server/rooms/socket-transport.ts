import type { WebSocket } from "ws";
import { CloseCode } from "#shared/protocol/close-codes.ts";
import type { AccountPrincipal } from "#server/access/principal.ts";
import type { RoomLogger } from "./room-driver.ts";
import type { SessionTransport } from "./rooms.ts";

/** A peer is asked for a sign of life so often, and given up after two silences. */
const PING_MS = 15_000;
/** Rights end at the latest so long after the session behind them. */
const RECHECK_MS = 60_000;
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
  /** frames behind what Node has, or behind one that is being sent in parts */
  const queue: Uint8Array[] = [];
  let isSendingParts = false;
  /** of those frames, and of the one that is being sent */
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
  function sent(error: Error | null | undefined): void {
    if (error) log.info({ err: error }, "a frame was not sent");
  }
  function sendNow(frame: Uint8Array): void {
    if (frame.byteLength <= PART_BYTES) {
      return ws.send(frame, { binary: true }, (error) => {
        sent(error);
        sendQueued();
      });
    }
    isSendingParts = true;
    unsentBytes += frame.byteLength;
    sendPart(frame, 0);
  }
  function sendPart(frame: Uint8Array, from: number): void {
    const part = frame.subarray(from, from + PART_BYTES);
    const next = from + part.byteLength;
    unsentBytes -= part.byteLength;
    ws.send(part, { binary: true, fin: next === frame.byteLength }, (error) => {
      sent(error);
      if (error || !isOpen()) return;
      if (next < frame.byteLength) return sendPart(frame, next);
      isSendingParts = false;
      sendQueued();
    });
  }
  const isBusy = (): boolean => isSendingParts || ws.bufferedAmount > PART_BYTES;
  function sendQueued(): void {
    while (isOpen() && !isBusy()) {
      const frame = queue.shift();
      if (frame === undefined) return;
      unsentBytes -= frame.byteLength;
      sendNow(frame);
    }
  }
  return {
    send(frame) {
      if (!isOpen()) return;
      acceptedBytes += frame.byteLength;
      if (queue.length === 0 && !isBusy()) return sendNow(frame);
      queue.push(frame);
      unsentBytes += frame.byteLength;
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

export interface WatchOptions {
  resolvePrincipal(headers: Headers): Promise<AccountPrincipal | undefined>;
  log: RoomLogger;
  /** in ms; the defaults are 15 s and 60 s */
  pingMs?: number;
  recheckMs?: number;
}

/** Drops a peer that is gone, and one whose session ended. */
export function watchOver(
  ws: WebSocket,
  transport: SessionTransport,
  { principal, headers }: { principal: AccountPrincipal; headers: Headers },
  { resolvePrincipal, log, pingMs = PING_MS, recheckMs = RECHECK_MS }: WatchOptions,
): { stop: () => void } {
  let silences = 0;
  ws.on("pong", () => {
    silences = 0;
  });
  const pings = setInterval(() => {
    if (silences >= 2) return ws.terminate();
    silences += 1;
    if (ws.readyState === ws.OPEN) ws.ping();
  }, pingMs);
  const rechecks = setInterval(() => void recheck(), recheckMs);

  async function recheck(): Promise<void> {
    try {
      const now = await resolvePrincipal(headers);
      const same = now?.accountId === principal.accountId && now.workspaceId === principal.workspaceId;
      if (!same) transport.close(CloseCode.unauthenticated, "session-ended");
    } catch (error) {
      // A database that cannot answer now proves nothing about the session; the next check will.
      log.warn({ err: error }, "a session could not be checked");
    }
  }
  return {
    stop() {
      clearInterval(pings);
      clearInterval(rechecks);
    },
  };
}
