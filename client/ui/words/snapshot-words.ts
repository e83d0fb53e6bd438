import { enSnapshots } from "./en-snapshots.ts";

/** The catalogue in use for snapshots. */
export const snapshotWords: typeof enSnapshots = enSnapshots;
