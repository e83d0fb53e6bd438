import { enExportChoice } from "./en-export-choice.ts";

/** The catalogue in use where something is saved as a file. */
export const exportChoiceWords: typeof enExportChoice = enExportChoice;
