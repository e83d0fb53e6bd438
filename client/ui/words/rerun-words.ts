import { enRerun } from "./en-rerun.ts";

/** The catalogue in use where a snapshot is asked anew. */
export const rerunWords: typeof enRerun = enRerun;
