import { enSession } from "./en-session.ts";

/** The catalogue in use for what is said when this page is not its account's any more. */
export const sessionWords: typeof enSession = enSession;
