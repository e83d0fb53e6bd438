import { enAccount } from "./en-account.ts";

/** The catalogue in use for what is said of accounts and workspaces. */
export const accountWords: typeof enAccount = enAccount;
