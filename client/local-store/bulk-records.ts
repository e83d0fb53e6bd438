import type { ConversationId } from "#shared/domain/ids.ts";
import { further, withLocal } from "./library-state.ts";
import type { PulledBody, SummaryRecord, TakenBodies, UnsentEdits } from "./local-store.ts";
import type { DatabaseSchema, DocumentRecord, Transaction } from "./open-database.ts";
import { documentRecord, epochIn } from "./read-document.ts";
import { readMany } from "./read-many.ts";
import { isOutboxRow } from "./stored-records.ts";
import { putSummary, readSomeSummaries, readSummary } from "./summary-records.ts";

// What is stored of documents that nobody has open: the bodies of bulk sync, each in one transaction.

type ReadWrite = Transaction<"readwrite">;
type OutboxRow = DatabaseSchema["outbox"]["value"];

/** A document that is never opened is folded all the same once it has so many rows. */
const MANY_ROWS = 16;

/** See `LocalStore.takePulled`. They are of different documents, so none waits for another one. */
export async function takePulled(transaction: ReadWrite, bodies: readonly PulledBody[]): Promise<TakenBodies> {
  const ids = bodies.map(({ id }) => id);
  const [summaries, documents] = await Promise.all([
    readSomeSummaries(transaction, ids),
    readMany(transaction, "documents", ids),
  ]);
  const outcomes = await Promise.all(
    bodies.map((body) => takeOne(transaction, body, summaries.get(body.id), documents.get(body.id))),
  );
  const idsOf = (some: readonly (typeof outcomes)[number][]): ConversationId[] =>
    bodies.flatMap(({ id }, at) => (some.includes(outcomes[at] ?? "not taken") ? [id] : []));
  return { taken: idsOf(["taken", "long"]), long: idsOf(["long"]) };
}

async function takeOne(
  transaction: ReadWrite,
  { id, epoch, seq, update, whole }: PulledBody,
  record: SummaryRecord | undefined,
  stored: DocumentRecord | undefined,
): Promise<"taken" | "long" | "not taken"> {
  const documents = transaction.objectStore("documents");
  const updates = transaction.objectStore("updates");
  // It may have been erased from here since it was asked for (C13).
  if (record === undefined || (stored !== undefined && epochIn(stored) !== epoch)) return "not taken";
  // What it builds on is gone: the browser deleted the database meanwhile.
  if (stored === undefined && !whole) return "not taken";
  await Promise.all([
    putSummary(transaction, { ...record, have: further(record.have, { epoch, seq }) }),
    // A document that is new here opens without anything to fold.
    stored === undefined
      ? documents.put(documentRecord(id, epoch, update))
      : updates.add({ documentId: id, bytes: update }),
  ]);
  if (stored === undefined) return "taken";
  return (await updates.index("documentId").count(id)) >= MANY_ROWS ? "long" : "taken";
}

/** Notes that some of a document's text is not readable here any more. */
export async function forgetHave(transaction: ReadWrite, id: ConversationId): Promise<void> {
  const record = await readSummary(transaction, id);
  if (record?.have) await putSummary(transaction, { ...record, have: undefined });
}

/** See `LocalStore.unsent`. */
export async function readUnsent(
  transaction: Transaction<"readonly"> | ReadWrite,
  most: number,
  wants: (id: ConversationId) => boolean,
): Promise<UnsentEdits[]> {
  const outbox = transaction.objectStore("outbox");
  const [keys, rows] = await Promise.all([outbox.getAllKeys(), outbox.getAll()]);
  const byDocument = new Map<ConversationId, { key: number; row: OutboxRow }[]>();
  rows.forEach((row, index) => {
    const key = keys[index];
    // One that cannot be read is set aside by whoever reads the outbox.
    if (key === undefined || !isOutboxRow(row) || !wants(row.documentId)) return;
    byDocument.set(row.documentId, [...(byDocument.get(row.documentId) ?? []), { key, row }]);
  });
  const some = [...byDocument].slice(0, most);
  return await Promise.all(some.map(([id, own]) => readUnsentOf(transaction, id, own)));
}

async function readUnsentOf(
  transaction: Transaction<"readonly"> | ReadWrite,
  id: ConversationId,
  rows: readonly { key: number; row: OutboxRow }[],
): Promise<UnsentEdits> {
  const updates = transaction.objectStore("updates");
  const [stored, edits] = await Promise.all([
    transaction.objectStore("documents").get(id),
    Promise.all(rows.map(async ({ row }) => (row.update === undefined ? undefined : await updates.get(row.update)))),
  ]);
  const unsent = { id, epoch: epochIn(stored), keys: rows.map(({ key }) => key) };
  // A garbled row may name one of another document: opening the document sets it aside.
  if (edits.some((edit) => edit !== undefined && edit.documentId !== id))
    return { ...unsent, updates: [undefined], whole: false };
  const bytes = edits.flatMap((edit) => (edit ? [edit.bytes] : []));
  if (bytes.length === rows.length) return { ...unsent, updates: bytes, whole: false };
  // An edit that was folded meanwhile is part of the state only.
  const all = (await updates.index("documentId").getAll(id)).map((row) => row.bytes);
  return { ...unsent, updates: [...(stored ? [stored.state] : []), ...all], whole: true };
}

/** See `LocalStore.settlePushed`. */
export async function settlePushed(
  transaction: ReadWrite,
  id: ConversationId,
  keys: readonly number[],
  headSeq: number,
): Promise<void> {
  const outbox = transaction.objectStore("outbox");
  for (const key of keys) if ((await outbox.get(key))?.documentId === id) await outbox.delete(key);
  if ((await outbox.index("documentId").count(id)) > 0) return;
  const record = await readSummary(transaction, id);
  if (record?.local?.headSeq !== undefined || !record?.local) return;
  await putSummary(transaction, withLocal(id, record, { ...record.local, headSeq }));
}
