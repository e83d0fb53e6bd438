import { isSameBytes } from "#shared/lib/same-bytes.ts";
import type { LiveDocument } from "./live-document.ts";
import { QUIET_MS } from "./room-sessions.ts";

/** Replaying the log costs: a client that claims to differ is believed so often. */
const BELIEVE_MS = 10_000;

/** What a room knows of its use. Times are ms. */
export interface RoomUse {
  /** whether nobody is there */
  idle: boolean;
  /** when anything happened, and when the document was written or read */
  usedAt: number;
  changedAt: number;
}

/**
 * When a live copy is held against its log, and whether it was wrong (R20). It is read anew to that end: what was
 * wrong is mended then. Clients cannot tell where they have their copies from this one, or are gone.
 * @param digestMs how often clients compare their copies
 */
export function createCopyCheck(digestMs: number) {
  let believedAt = -Infinity;
  let readAt = -Infinity;
  /** whether a client was sent content, and the library a summary, since the copy was read */
  let served = false;
  let projected = false;
  /** the digest of the copy that is being held against its log */
  let doubted: Uint8Array | undefined;

  return {
    served: (): void => void (served = true),
    projected: (): void => void (projected = true),
    /** whether the library shows what was never held against the log */
    isOwed: (): boolean => projected,
    isDue({ idle, usedAt, changedAt }: RoomUse, now: number): boolean {
      if (idle) return projected && now - usedAt >= QUIET_MS;
      return (served || projected) && now - readAt >= digestMs && now - changedAt >= QUIET_MS;
    },
    /** Whether a client is believed that has another digest than this copy. */
    believes(now: number): boolean {
      if (now - believedAt < BELIEVE_MS) return false;
      believedAt = now;
      return true;
    },
    /** The log is about to be read because of this copy. */
    doubt: (digest: Uint8Array): void => void (doubted = digest),
    /** The log was read; answers whether the copy that was in doubt was another one. */
    wasRead(live: LiveDocument, now: number): boolean {
      const wasWrong = doubted !== undefined && !isSameBytes(doubted, live.digest());
      doubted = undefined;
      served = false;
      projected = false;
      readAt = now;
      return wasWrong;
    },
  };
}
