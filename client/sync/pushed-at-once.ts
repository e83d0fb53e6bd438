/** How many documents' edits one request carries at most. */
export const PUSHED_AT_ONCE = 100;
