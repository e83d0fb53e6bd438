import { enRowMenu } from "./en-row-menu.ts";

/** The catalogue in use for the menus of rows. */
export const rowMenuWords: typeof enRowMenu = enRowMenu;
