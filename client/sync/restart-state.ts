import { CloseCode } from "#shared/protocol/close-codes.ts";

/** ms between two attempts to come back after a final close; wake-ups can come in bursts */
export const RESTART_MS = 10_000;

/** A connection the server ended for good. */
export interface Ended {
  code: number;
  /** ms since 1970: when it was last started */
  startedAt: number;
}

/** What is new since then: the page came back to life, or the server took our session for an HTTP request. */
export type News = "wake" | "session";

/**
 * Whether a connection may be started again after a final close (C7). A document that is gone, or lives on in a
 * newer epoch, never comes back under its name; a session may be renewed, and the rest may have been mended.
 */
export function mayRestart(now: number, { code, startedAt }: Ended, news: News): boolean {
  if (isFinalForDocument(code)) return false;
  if (news === "session" && code !== CloseCode.unauthenticated) return false;
  return now - startedAt >= RESTART_MS;
}

/** Whether the close says that there is no such document, and never will be. */
export const isFinalForDocument = (code: number): boolean => code === CloseCode.gone || code === CloseCode.oldEpoch;
