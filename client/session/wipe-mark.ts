import { readDeviceNotes } from "#client/local-store/device-notes.ts";
import type { Clock } from "#client/platform/platform.ts";
import type { SmallStorage } from "#client/platform/small-storage.ts";

// All that a page has to know of wiping before it opens an account; the rest is in wipe-device.ts, and loaded when needed.

/** Where a wipe is noted in a browser that has no room, or no database, to note it in. */
export const WIPING_KEY = "holdfast.wiping";
/** The databases made here, one a line: older browsers do not list them. */
export const DATABASES_KEY = "holdfast.databases";

/** The databases of accounts are called `holdfast:<account>:<workspace>` (`localStoreName`). */
export const accountOf = (databaseName: string): string => databaseName.split(":")[1] ?? "";

export function rememberDatabase(storage: SmallStorage, name: string): void {
  const known = storage.read(DATABASES_KEY) ?? "";
  if (!known.split("\n").includes(name)) storage.write(DATABASES_KEY, `${known}${name}\n`);
}

/** Whether something is to be finished, with `finishDevice`, before any account is opened or asked for. */
export async function isToFinish(storage: SmallStorage, clock: Pick<Clock, "after">): Promise<boolean> {
  const { wipes, moves } = await readDeviceNotes(clock);
  return wipes.length > 0 || moves.length > 0 || storage.read(WIPING_KEY) !== undefined;
}
