import { enDialogs } from "./en-dialogs.ts";

/** The catalogue in use for dialogs and details. */
export const dialogWords: typeof enDialogs = enDialogs;
