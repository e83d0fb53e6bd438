import type { ConversationId } from "#shared/domain/ids.ts";
import type { Unacknowledged } from "./local-store.ts";
import type { Transaction } from "./open-database.ts";
import { readQuarantine } from "./read-document.ts";
import { isOutboxRow } from "./stored-records.ts";

/** Reads what waits for the server; `corrupt` counts rows that cannot be read. */
export async function readUnacknowledged(transaction: Transaction<"readonly">) {
  const store = transaction.objectStore("outbox");
  const [keys, raw, quarantined, snapshots] = await Promise.all([
    store.getAllKeys(),
    store.getAll() as Promise<unknown[]>,
    readQuarantine(transaction),
    countSnapshotCommands(transaction),
  ]);
  const rows = new Map<ConversationId, number[]>();
  let corrupt = 0;
  keys.forEach((key, at) => {
    const row = raw[at];
    if (isOutboxRow(row)) rows.set(row.documentId, [...(rows.get(row.documentId) ?? []), key]);
    else corrupt++;
  });
  return { rows, quarantined, corrupt, snapshots };
}

async function countSnapshotCommands(transaction: Transaction<"readonly">): Promise<Unacknowledged["snapshots"]> {
  // On a device without any room their store could not be made.
  if (!transaction.objectStoreNames.contains("snapshotCommands")) return { waiting: 0, refused: 0 };
  const store = transaction.objectStore("snapshotCommands");
  const [all, refused] = await Promise.all([store.count(), store.index("refused").count()]);
  return { waiting: all - refused, refused };
}
