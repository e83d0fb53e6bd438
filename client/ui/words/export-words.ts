import { enExport } from "./en-export.ts";

/** The catalogue in use for what is exported. */
export const exportWords: typeof enExport = enExport;
