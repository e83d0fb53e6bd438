/** How long what is known of the keys is believed: so soon a running server signs with a key that another process made. */
export const KEYS_FRESH_MS = 10_000;

/** How long whoever has not noticed yet may go on signing with a key that was replaced: what it signs then is no later than `retired_at`. */
export const GRACE_MS = 3 * KEYS_FRESH_MS;

const DAY_MS = 86_400_000;

/**
 * How long a key signs. A stolen one is of use that long at most; a year, and not less, because people compare
 * fingerprints by hand, and every key that there ever was is in each file.
 */
export const KEY_LIFE_MS = 365 * DAY_MS;

/** So long before its end a key is replaced: a server that cannot write, or is off for a holiday, still has one that signs. */
export const RENEW_MS = 30 * DAY_MS;

/** When to try again to replace a key, where that could not be stored. */
export const RENEW_AGAIN_MS = 3_600_000;

/**
 * The end of a key that was made when keys had none: as if it had been made with one or, where that would be over and
 * what it signed since would be void, a whole life from now. In ms since 1970.
 */
export const endOfOlderKey = (createdAt: number, now: number): number =>
  (createdAt + KEY_LIFE_MS > now ? createdAt : now) + KEY_LIFE_MS;
