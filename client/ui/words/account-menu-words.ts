import { enAccountMenu } from "./en-account-menu.ts";

/** The catalogue in use for the menu of the account. */
export const accountMenuWords: typeof enAccountMenu = enAccountMenu;
