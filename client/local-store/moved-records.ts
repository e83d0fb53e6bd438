import type { ConversationId } from "#shared/domain/ids.ts";
import { crc32 } from "#shared/lib/crc32.ts";
import { foldUpdates } from "./fold-updates.ts";
import { further, withLocal } from "./library-state.ts";
import type { LocalSummary, QuarantinedRecord, SummaryRecord } from "./local-store.ts";
import type { DatabaseSchema, DocumentRecord, Transaction } from "./open-database.ts";
import { copySnapshots, printOfSnapshots, readHeldSnapshots, snapshotConversationIds } from "./moved-snapshots.ts";
import type { HeldSnapshots } from "./moved-snapshots.ts";
import { documentIdsIn } from "./quarantine.ts";
import { epochIn, readQuarantine } from "./read-document.ts";
import type { RunCommand } from "./run-command.ts";
import { documentOf, isRunCommand, isSummaryRecord } from "./stored-records.ts";
import { putSummary, readSummaries, readSummary } from "./summary-records.ts";

// How everything of one document gets from one database into another one.

type ReadWrite = Transaction<"readwrite">;
type AnyTransaction = Transaction<"readonly"> | ReadWrite;

interface Row<T> {
  key: number;
  row: T;
}

/** All that a database holds of one document, as it lies there. */
interface Held {
  document: DocumentRecord | undefined;
  updates: Row<DatabaseSchema["updates"]["value"]>[];
  outbox: Row<DatabaseSchema["outbox"]["value"]>[];
  commands: RunCommand[];
  quarantine: (QuarantinedRecord & { key: number })[];
  summary: SummaryRecord | undefined;
  snapshots: HeldSnapshots;
}

/** What of a document was copied. Keys of rows are never given twice, so they tell what is new. */
interface Copied {
  /** CRC-32 of the folded state */
  state: number | undefined;
  /** by the key of a row in the source: that of its copy */
  updates: Map<number, number>;
  outbox: Set<number>;
  quarantine: Set<number>;
  commands: Set<string>;
  snapshotCommands: Set<number>;
}

/**
 * Stands in the target for the documents that were copied last, written in the transaction of the copy: it may be that
 * they were not deleted from the source, and a copy that is repeated adds only what is new.
 */
interface MoveMark {
  from: string;
  copied: Map<string, Copied>;
}

/** The documents of which a database holds more than what the feed tells anyway; "" for what nobody can tell whose it is. */
export async function heldIds(transaction: AnyTransaction): Promise<Set<string>> {
  const [documents, outbox, commands, quarantine, summaries, frozen] = await Promise.all([
    documentIdsIn(transaction),
    transaction.objectStore("outbox").getAll(),
    transaction.objectStore("commands").getAll(),
    readQuarantine(transaction),
    readSummaries(transaction),
    snapshotConversationIds(transaction),
  ]);
  return new Set<string>([
    ...documents,
    ...frozen,
    ...outbox.flatMap((row) => documentOf(row) ?? []),
    ...commands.filter(isRunCommand).map(({ conversationId }) => conversationId),
    ...quarantine.map(({ documentId }) => documentId),
    ...summaries.filter(isSummaryRecord).flatMap(({ id, local, erasing }) => (local || erasing ? [id] : [])),
  ]);
}

export async function readHeld(transaction: AnyTransaction, id: string): Promise<Held> {
  const updateRows = transaction.objectStore("updates").index("documentId");
  const outboxRows = transaction.objectStore("outbox").index("documentId");
  const [document, updateKeys, updates, outboxKeys, outbox, commands, quarantine, summary, snapshots] =
    await Promise.all([
      transaction.objectStore("documents").get(id),
      updateRows.getAllKeys(id),
      updateRows.getAll(id),
      outboxRows.getAllKeys(id),
      outboxRows.getAll(id),
      transaction.objectStore("commands").getAll(),
      readQuarantine(transaction),
      readSummary(transaction, id),
      readHeldSnapshots(transaction, id),
    ]);
  return {
    document,
    updates: withKeys(updateKeys, updates),
    outbox: withKeys(outboxKeys, outbox),
    commands: commands.filter((command) => isRunCommand(command) && command.conversationId === id),
    quarantine: quarantine.filter(({ documentId }) => documentId === id),
    summary,
    snapshots,
  };
}

const withKeys = <T>(keys: readonly number[], rows: readonly T[]): Row<T>[] =>
  rows.flatMap((row, at) => {
    const key = keys[at];
    return key === undefined ? [] : [{ key, row }];
  });

/** Whether nothing was written between two looks. */
export const isSame = (one: Held, other: Held): boolean => printOf(one) === printOf(other);

const printOf = ({ document, updates, outbox, commands, quarantine, summary, snapshots }: Held): string =>
  JSON.stringify([
    document && [document.epoch, stateOf(document)],
    updates.map(({ key }) => key),
    outbox,
    commands,
    quarantine.map(({ key, waits, told, unsent }) => [key, waits, told, unsent]),
    summary,
    printOfSnapshots(snapshots),
  ]);

const stateOf = (document: DocumentRecord | undefined): number | undefined =>
  document?.state instanceof Uint8Array ? crc32(document.state) : undefined;

/**
 * Adds all of these documents to what the target has, but for what was copied from there before.
 * @param left documents that may be in the source still
 */
export async function copyHeld(
  transaction: ReadWrite,
  from: string,
  held: ReadonlyMap<string, Held>,
  left: ReadonlySet<string>,
): Promise<void> {
  const before = await readCopied(transaction, from);
  const copied = new Map([...before].filter(([id]) => left.has(id)));
  // One after the other each would wait for the one before.
  await Promise.all(
    [...held].map(async ([id, one]) => {
      const mark = before.get(id) ?? nothingYet();
      copied.set(id, mark);
      await copyOne(transaction, id, one, mark);
    }),
  );
  await transaction.objectStore("meta").put({ from, copied } satisfies MoveMark, "moving");
}

async function copyOne(transaction: ReadWrite, id: string, held: Held, mark: Copied): Promise<void> {
  const stored = await transaction.objectStore("documents").get(id);
  const isOfOtherEpoch =
    stored !== undefined && held.document !== undefined && epochIn(stored) !== epochIn(held.document);
  // Two histories must not mix: its words are brought back as those of a copy that was replaced (C9).
  await (isOfOtherEpoch ? copyAside(transaction, id, held, mark) : copyContent(transaction, id, held, mark, stored));
  const quarantine = transaction.objectStore("quarantine");
  for (const { key, ...record } of held.quarantine) if (isNew(mark.quarantine, key)) await quarantine.add(record);
  for (const command of held.commands)
    if (isNew(mark.commands, command.runId)) await transaction.objectStore("commands").put(command);
  await copySummary(transaction, id, held.summary);
  await copySnapshots(transaction, held.snapshots, mark.snapshotCommands);
}

async function copyContent(
  transaction: ReadWrite,
  id: string,
  { document, updates, outbox }: Held,
  mark: Copied,
  stored: DocumentRecord | undefined,
): Promise<void> {
  const documentId = id as ConversationId;
  const rows = transaction.objectStore("updates");
  const state = stateOf(document);
  if (document && (state === undefined || state !== mark.state)) {
    if (stored === undefined) await transaction.objectStore("documents").put(document);
    else await rows.add({ documentId, bytes: document.state });
  }
  mark.state = state;
  for (const { key, row } of updates) if (!mark.updates.has(key)) mark.updates.set(key, await rows.add(row));
  for (const { key, row } of outbox) {
    // An edit whose row is not here is part of the state only, wherever that row went.
    const update = row.update === undefined ? undefined : mark.updates.get(row.update);
    if (isNew(mark.outbox, key)) await transaction.objectStore("outbox").add({ documentId, update });
  }
}

async function copyAside(
  transaction: ReadWrite,
  documentId: string,
  { document, updates }: Held,
  mark: Copied,
): Promise<void> {
  const content = foldUpdates([document?.state, ...updates.map(({ row }) => row.bytes)]).state;
  const state = content && crc32(content);
  if (content === undefined || state === mark.state) return;
  mark.state = state;
  await transaction.objectStore("quarantine").add({ documentId, reason: "diverged", content, waits: true });
}

/** What the list shows until the feed of the account tells of it. */
async function copySummary(transaction: ReadWrite, id: string, record: SummaryRecord | undefined): Promise<void> {
  const local = record?.local ?? (record?.feed && shownOf(record.feed));
  if (!record || !local) return;
  const stored = await readSummary(transaction, id);
  const { changedAfterDeletion, erasing } = record;
  await putSummary(transaction, {
    ...withLocal(id as ConversationId, stored, local),
    have: further(stored?.have, record.have),
    ...(changedAfterDeletion && { changedAfterDeletion }),
    ...(erasing && { erasing }),
  });
}

const shownOf = ({ summary, activityAt, headSeq }: NonNullable<SummaryRecord["feed"]>): LocalSummary => ({
  summary,
  changedAt: activityAt,
  headSeq,
});

/** Notes it; answers whether it was not noted before. */
function isNew<T>(known: Set<T>, one: T): boolean {
  if (known.has(one)) return false;
  known.add(one);
  return true;
}

/** What was copied last, which may be in the source still. */
async function readCopied(transaction: ReadWrite, from: string): Promise<ReadonlyMap<string, Copied>> {
  const mark = (await transaction.objectStore("meta").get("moving")) as MoveMark | undefined;
  return mark?.from === from ? mark.copied : new Map<string, Copied>();
}

const nothingYet = (): Copied => ({
  state: undefined,
  updates: new Map(),
  outbox: new Set(),
  quarantine: new Set(),
  commands: new Set(),
  snapshotCommands: new Set(),
});
