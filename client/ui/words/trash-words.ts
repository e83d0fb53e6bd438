import { enTrash } from "./en-trash.ts";

/** The catalogue in use for the trash. */
export const trashWords: typeof enTrash = enTrash;
