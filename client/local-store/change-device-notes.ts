import type { IDBPTransaction, StoreNames } from "idb";
import { openNotes } from "./device-notes.ts";
import type { NotesSchema } from "./device-notes.ts";

type Notes = IDBPTransaction<NotesSchema, StoreNames<NotesSchema>[], "readwrite">;

const STORES: StoreNames<NotesSchema>[] = ["wipes", "moves"];

/** Changes the notes in one transaction. Answers whether that is on the disk. */
export async function changeDeviceNotes(change: (notes: Notes) => void): Promise<boolean> {
  try {
    const db = await openNotes();
    try {
      const notes = db.transaction(STORES, "readwrite", { durability: "strict" });
      change(notes);
      await notes.done;
      return true;
    } finally {
      db.close();
    }
  } catch {
    return false; // no room, or no database
  }
}
