import { en } from "./en.ts";

/** The shape every language fills. */
export type Words = typeof en;

/** The catalogue in use. */
export const words: Words = en;
