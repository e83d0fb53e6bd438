/** How many days a deleted conversation can be brought back; then it is erased on the server and on every device. */
export const TRASH_DAYS = 30;

const DAY_MS = 86_400_000;
export const TRASH_MS = TRASH_DAYS * DAY_MS;

/** In how many days a conversation is erased that was deleted then, both in ms since 1970; 0: it is due. */
export const daysUntilErased = (deletedAt: number, now: number): number =>
  Math.max(0, Math.min(TRASH_DAYS, Math.ceil((deletedAt + TRASH_MS - now) / DAY_MS)));
