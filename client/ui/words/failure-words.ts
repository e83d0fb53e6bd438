import { enFailures } from "./en-failures.ts";

/** The catalogue in use for why an answer did not come. */
export const failureWords: typeof enFailures = enFailures;
