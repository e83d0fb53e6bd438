/** What is counted apart from the rest. The numbers, and why, are in `limit-rules.ts`. */
export type LimitKind =
  | "sign-in"
  | "challenge"
  | "sign-up"
  | "mail"
  | "guest"
  | "run"
  | "sync"
  | "search"
  | "share"
  | "usual";

/** Whom a request is counted for. What is left out is not counted. */
export interface LimitKeys {
  /** as `clientAddress` writes it */
  address?: string;
  accountId?: string;
  workspaceId?: string;
  /** who somebody claims to be: a hash of an e-mail address, never the address itself */
  name?: string;
}

/** Of the bucket with the least left. Where nothing was counted, limit and remaining are `Infinity`. */
export type LimitOutcome =
  | { ok: true; limit: number; remaining: number; resetMs: number }
  | { ok: false; limit: number; remaining: 0; resetMs: number; retryAfterMs: number };

/** Counts requests against limits. */
export interface Limiter {
  /**
   * Takes points from each bucket of the keys, or from none when one of them has too few. After `retryAfterMs` those that
   * had too few are full again.
   * @param cost a whole number, 1 if left out
   */
  take(kind: LimitKind, keys: LimitKeys, cost?: number): Promise<LimitOutcome>;
  /** Undoes a take that turned out not to count, e.g. a sign-in with the right password. */
  giveBack(kind: LimitKind, keys: LimitKeys, cost?: number): Promise<void>;
}

/** For a server whose limits are off. */
export const UNLIMITED: Limiter = {
  take: () => Promise.resolve({ ok: true, limit: Infinity, remaining: Infinity, resetMs: 0 }),
  giveBack: () => Promise.resolve(),
};
