import type { ConversationId } from "#shared/domain/ids.ts";
import { crc32 } from "#shared/lib/crc32.ts";
import { foldUpdates } from "./fold-updates.ts";
import type { Folded } from "./fold-updates.ts";
import type { QuarantinedRecord, StoredDocument } from "./local-store.ts";
import type { DocumentRecord, Transaction } from "./open-database.ts";
import { isQuarantinedRecord } from "./stored-records.ts";

export const DOCUMENT_STORES = ["documents", "updates", "outbox", "quarantine"] as const;
export const EVERY_STORE = [...DOCUMENT_STORES, "summaries", "commands", "meta"] as const;

type AnyTransaction = Transaction<"readonly"> | Transaction<"readwrite">;

/** Reads all that is stored of a document, and counts what of it cannot be read. */
export async function readDocument(transaction: AnyTransaction, id: ConversationId): Promise<StoredDocument> {
  const [{ keys, folded, stored }, outbox, setAside] = await Promise.all([
    readFolded(transaction, id),
    readOutbox(transaction, id),
    readSetAside(transaction, id),
  ]);
  const quarantined = folded.corrupt.length + outbox.filter(({ stray }) => stray !== undefined).length;
  const rows = outbox.map(({ key, bytes }) => ({ key, bytes }));
  return { epoch: epochIn(stored), state: folded.state, rows: keys.length, outbox: rows, quarantined, setAside };
}

/** What was set aside. */
export async function readQuarantine(transaction: AnyTransaction): Promise<(QuarantinedRecord & { key: number })[]> {
  const store = transaction.objectStore("quarantine");
  const keys = await store.getAllKeys();
  // Nearly always there is none, and every document asks.
  const records: unknown[] = keys.length > 0 ? await store.getAll() : [];
  return keys.flatMap((key, at) => {
    const record = records[at];
    return isQuarantinedRecord(record) ? [{ ...record, key }] : [];
  });
}

async function readSetAside(transaction: AnyTransaction, id: ConversationId): Promise<StoredDocument["setAside"]> {
  const records = await readQuarantine(transaction);
  const waiting = records.filter(({ documentId, waits }) => documentId === id && waits === true);
  return waiting.map(({ key, content }) => ({ key, content }));
}

export interface ReadFolded {
  stored: DocumentRecord | undefined;
  /** what was folded: the state, where there is one, and then the rows */
  contents: unknown[];
  folded: Folded;
  /** keys of the rows, the unreadable ones among them */
  keys: number[];
}

export async function readFolded(transaction: AnyTransaction, id: ConversationId): Promise<ReadFolded> {
  const index = transaction.objectStore("updates").index("documentId");
  const [stored, keys] = await Promise.all([transaction.objectStore("documents").get(id), index.getAllKeys(id)]);
  // A document at rest has no rows.
  const rows = keys.length > 0 ? await index.getAll(id) : [];
  const contents: unknown[] = [...(stored ? [stored.state] : []), ...rows.map(({ bytes }) => bytes)];
  // Reading an update to see whether it is one takes as long as opening it: what did not change since is not looked at.
  const sound = stored !== undefined && keys.length === 0 && isAsWritten(stored);
  return { stored, contents, folded: sound ? { state: stored.state, corrupt: [] } : foldUpdates(contents), keys };
}

export const documentRecord = (id: ConversationId, epoch: number, state: Uint8Array): DocumentRecord => ({
  id,
  epoch,
  state,
  checksum: crc32(state),
});

const isAsWritten = ({ state, checksum }: DocumentRecord): boolean =>
  state instanceof Uint8Array && checksum === crc32(state);

/** The epoch a document was stored under; a garbled one is the first, whose room says which it is by now. */
export const epochIn = (stored: { epoch: unknown } | undefined): number =>
  Number.isSafeInteger(stored?.epoch) && Number(stored?.epoch) >= 0 ? Number(stored?.epoch) : 0;

export interface ReadOutboxRow {
  key: number;
  bytes: Uint8Array | undefined;
  /** the key of the row it names for its bytes, which is none of this document: the edit cannot be read */
  stray: number | undefined;
}

export async function readOutbox(transaction: AnyTransaction, id: ConversationId): Promise<ReadOutboxRow[]> {
  const index = transaction.objectStore("outbox").index("documentId");
  const keys = await index.getAllKeys(id);
  const rows = keys.length > 0 ? await index.getAll(id) : [];
  const updates = transaction.objectStore("updates");
  return await Promise.all(
    keys.map(async (key, at) => {
      const update = rows[at]?.update;
      // Rows that were folded are in the state only.
      const row = Number.isSafeInteger(update) ? await updates.get(Number(update)) : undefined;
      if (row === undefined) return { key, bytes: undefined, stray: undefined };
      return row.documentId === id
        ? { key, bytes: row.bytes, stray: undefined }
        : { key, bytes: undefined, stray: Number(update) };
    }),
  );
}
