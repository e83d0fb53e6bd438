import { DEEPEST_NESTING } from "#shared/documents/canonical-content.ts";
import { MAX_FRAME_BYTES } from "#shared/protocol/sync-frames.ts";

/**
 * What one Yjs update and one document may hold. Honest devices stay far below: a conversation of 1,000
 * messages is about 8,000 structs and 800 KB, and one device adds a clientID per page load that wrote.
 */
export const UPDATE_LIMITS = {
  /** an update never exceeds the frame that carries it */
  bytes: MAX_FRAME_BYTES,
  /** 100,000 structs decode and integrate in about 0.2 s, the longest one peer may hold up the others */
  structs: 100_000,
  /** deleted ranges cost what structs cost */
  deletedRanges: 100_000,
  /** entries of arrays and objects inside plain values: an answer has about 20, and an empty object takes 65 bytes */
  entries: 200_000,
  /** a device that was away through 64 page loads is the most we believe */
  newClients: 64,
  /** the reader stops here, so deeper content would be invisible and could only serve to overflow a stack */
  nesting: DEEPEST_NESTING,
  /** far above any text a person deletes; a clock near 2^31 would lock its owner out */
  structLength: 16 * 1024 * 1024,
  /** processor time of integrating one update, in ms; 100,000 honest structs take a fifth of it */
  integrationMs: 1_000,
} as const;

export const DOCUMENT_LIMITS = {
  /** each transaction costs time in proportion to the clients: 2 ms at 5,000 (measured) */
  clients: 2_000,
  /** below `CLOSE_BYTES` of a slow socket, so that a whole document can always be sent to a new device */
  bytes: 6 * 1024 * 1024,
} as const;

/** A state vector names each client of a document once, in at most 15 bytes; this is four times that. */
export const STATE_VECTOR_BYTES = 128 * 1024;
