/**
 * WebSocket close codes. 4400–4499 are final: the client does not come back by itself. Everything else,
 * 4500–4599 and 1013 among it, is retried with full jitter.
 */
export const CloseCode = {
  /** the session ended: sign in again */
  unauthenticated: 4401,
  /** the right was withdrawn, or the origin is foreign */
  forbidden: 4403,
  /** no such document for this principal */
  gone: 4404,
  /** the document lives on in a newer epoch */
  oldEpoch: 4410,
  /** a frame broke the protocol or the limits of a document */
  invalid: 4422,
  /** this app cannot read the document's schema */
  appTooOld: 4426,
  /** the server could not store or is going away: come back */
  unavailable: 4503,
  /** RFC 6455 registry: try again later */
  tryAgainLater: 1013,
} as const;
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

/** Whether a client must not reconnect by itself after this code. */
export const isFinalClose = (code: number): boolean => code >= 4400 && code <= 4499;
