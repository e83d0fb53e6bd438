import { enStorage } from "./en-storage.ts";

/** The catalogue in use for what is said of storing on this device. */
export const storageWords: typeof enStorage = enStorage;
