import { openDB } from "idb";
import type { DBSchema } from "idb";
import type { Clock } from "#client/platform/platform.ts";

// What this device is in the middle of, and has to finish before an account is opened. It is in a database of its own:
// Chromium writes `localStorage` down up to a minute later, so a browser that is killed forgets what was noted there, and
// brings back what was removed; and a service worker does not see it at all.

/** An account whose data is to leave this device, or did a short while ago. */
export interface WipeNote {
  accountId: string;
  /** whether the browser's cookie may still be that account's: the server has to end it before anything is asked with it */
  tellServer: boolean;
  /** ms since 1970: when something of it was last found here */
  foundAt: number;
  /** somebody signed out: whoever comes next is asked who they are */
  signedOut?: boolean | undefined;
}

/** The database of a guest that is on its way into that of an account. */
export interface MoveNote {
  from: string;
  to: string;
}

export interface DeviceNotes {
  wipes: readonly WipeNote[];
  moves: readonly MoveNote[];
}

export interface NotesSchema extends DBSchema {
  wipes: { key: string; value: WipeNote };
  moves: { key: string; value: MoveNote };
}

/** ms after which a browser that does not answer is worked without */
const ANSWER_MS = 3_000;

export const openNotes = () =>
  openDB<NotesSchema>("holdfast-device", 1, {
    upgrade(db) {
      db.createObjectStore("wipes", { keyPath: "accountId" });
      db.createObjectStore("moves", { keyPath: "from" });
    },
  });

/** Reads what is to be finished; nothing where that cannot be told, as in a browser without any database. */
export async function readDeviceNotes(clock?: Pick<Clock, "after">): Promise<DeviceNotes> {
  const nothing: DeviceNotes = { wipes: [], moves: [] };
  const read = readAll().catch(() => nothing);
  if (!clock) return await read;
  return await Promise.race([
    read,
    new Promise<DeviceNotes>((resolve) => clock.after(ANSWER_MS, () => resolve(nothing))),
  ]);
}

async function readAll(): Promise<DeviceNotes> {
  const db = await openNotes();
  try {
    const [wipes, moves] = await Promise.all([db.getAll("wipes"), db.getAll("moves")]);
    return { wipes, moves };
  } finally {
    db.close();
  }
}
