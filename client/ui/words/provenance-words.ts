import { enProvenance } from "./en-provenance.ts";

/** The catalogue in use for who wrote an answer, and for signed files. */
export const provenanceWords: typeof enProvenance = enProvenance;
