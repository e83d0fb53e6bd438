import { enCompare } from "./en-compare.ts";

/** The catalogue in use where two snapshots are compared. */
export const compareWords: typeof enCompare = enCompare;
