import { SHARED_KEY, SHARED_TAB_KEY } from "./remembered-me.ts";
import { DATABASES_KEY, WIPING_KEY } from "./wipe-mark.ts";

/** What stays of this app in `localStorage` whoever signs out: it is of the device. */
const OF_THE_DEVICE: readonly string[] = [
  "holdfast.theme",
  "holdfast.asked-to-keep",
  "holdfast.signed-out",
  SHARED_KEY,
  SHARED_TAB_KEY,
  DATABASES_KEY,
  WIPING_KEY,
];
const EDIT = "holdfast.edit.";

/** Whose things stay on this device. */
export interface Staying {
  accountIds: ReadonlySet<string>;
  /** conversations in the databases of these */
  conversationIds: ReadonlySet<string>;
}

export const isEdit = (key: string): boolean => key.startsWith(EDIT);

/**
 * Which of these entries go when accounts leave the device: all that this app, of whichever version, wrote, but for what
 * is the device's or of somebody who stays.
 */
export const wipedKeys = (entries: readonly (readonly [key: string, value: string])[], staying: Staying): string[] =>
  entries.filter(([key, value]) => key.startsWith("holdfast.") && !stays(key, value, staying)).map(([key]) => key);

function stays(key: string, value: string, { accountIds, conversationIds }: Staying): boolean {
  if (OF_THE_DEVICE.includes(key)) return true;
  // `holdfast.edit.<conversation>.<message>`: of which account, only its database says.
  if (isEdit(key)) return conversationIds.has(key.slice(EDIT.length).split(".")[0] ?? "");
  // `holdfast.me` holds its account's id, all others name it.
  return [...accountIds].some((id) => key.includes(id) || (key === "holdfast.me" && value.includes(id)));
}
