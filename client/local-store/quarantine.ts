import { parseConversationId } from "#shared/domain/ids.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { forgetHave } from "./bulk-records.ts";
import type { QuarantinedRecord } from "./local-store.ts";
import type { Transaction } from "./open-database.ts";
import { readOutbox, readQuarantine } from "./read-document.ts";
import type { ReadFolded } from "./read-document.ts";
import { documentOf, isCursor, isOutboxRow, isRunCommand, isSummaryRecord } from "./stored-records.ts";

type ReadWrite = Transaction<"readwrite">;

/** Moves what cannot be read of a document out of the way; answers how many records that were. */
export async function quarantineCorrupt(transaction: ReadWrite, id: ConversationId, read: ReadFolded): Promise<number> {
  const quarantine = transaction.objectStore("quarantine");
  const firstRow = read.stored ? 1 : 0;
  for (const index of read.folded.corrupt) {
    const content = read.contents[index];
    const key = read.keys[index - firstRow];
    if (key === undefined) await transaction.objectStore("documents").delete(id);
    else await transaction.objectStore("updates").delete(key);
    const unsent = await forgetOutboxOf(transaction, id, key);
    const store = key === undefined ? "documents" : "updates";
    await quarantine.add({ documentId: id, reason: "corrupt", content, store, unsent });
  }
  // What is gone from here is asked for again.
  if (read.folded.corrupt.length > 0) await forgetHave(transaction, id);
  return read.folded.corrupt.length + (await quarantineStrays(transaction, id));
}

/** Edits whose bytes lie in a row that is none of this document. */
async function quarantineStrays(transaction: ReadWrite, id: ConversationId): Promise<number> {
  const updates = transaction.objectStore("updates");
  let found = 0;
  for (const { key, stray } of await readOutbox(transaction, id)) {
    if (stray === undefined) continue;
    const content: unknown = await updates.get(stray);
    await updates.delete(stray);
    await transaction.objectStore("outbox").delete(key);
    const record: QuarantinedRecord = { documentId: id, reason: "corrupt", content, store: "updates", unsent: true };
    await transaction.objectStore("quarantine").add(record);
    found++;
  }
  return found;
}

/**
 * An edit whose bytes are unreadable can never be acknowledged: its outbox row goes, and its record in the
 * quarantine says so. Answers whether there was one.
 * @param update the unreadable row; absent where it is the folded state
 */
async function forgetOutboxOf(
  transaction: ReadWrite,
  id: ConversationId,
  update: number | undefined,
): Promise<boolean> {
  const outbox = transaction.objectStore("outbox");
  const updates = transaction.objectStore("updates");
  let found = false;
  for (const key of await outbox.index("documentId").getAllKeys(id)) {
    const row = await outbox.get(key);
    if (row === undefined) continue;
    // Rows that were folded are in the state only.
    const folded = row.update === undefined || (await updates.getKey(row.update)) === undefined;
    if (update === undefined ? !folded : row.update !== update) continue;
    await outbox.delete(key);
    found = true;
  }
  return found;
}

/** Sets unreadable summaries aside; the feed is to be read from its start then, which brings them back. */
export async function quarantineSummaries(transaction: ReadWrite): Promise<number> {
  const summaries = transaction.objectStore("summaries");
  const corrupt = await corruptIn(summaries, isSummaryRecord);
  for (const { key, content } of corrupt) {
    await summaries.delete(key);
    await transaction.objectStore("quarantine").add(unreadable("summaries", content, key));
  }
  const meta = transaction.objectStore("meta");
  const cursor: unknown = await meta.get("cursor");
  const isGarbled = cursor !== undefined && !isCursor(cursor);
  if (isGarbled) await transaction.objectStore("quarantine").add(unreadable("meta", cursor));
  if (isGarbled || corrupt.length > 0) await meta.delete("cursor");
  return corrupt.length + (isGarbled ? 1 : 0);
}

/** Sets unreadable commands aside. Their prompts are in their chats, where they can be tried again. */
export async function quarantineCommands(transaction: ReadWrite): Promise<number> {
  const commands = transaction.objectStore("commands");
  const corrupt = await corruptIn(commands, isRunCommand);
  for (const { key, content } of corrupt) {
    await commands.delete(key);
    await transaction.objectStore("quarantine").add(unreadable("commands", content));
  }
  return corrupt.length;
}

/**
 * Sets unreadable outbox rows aside. Which edit such a row stood for is not known any more: its document, or every one
 * where it does not say which, is marked as a whole to be compared with what the server has.
 */
export async function quarantineOutbox(transaction: ReadWrite): Promise<number> {
  const outbox = transaction.objectStore("outbox");
  const corrupt = await corruptIn(outbox, isOutboxRow);
  const suspects = new Set<ConversationId>();
  for (const { key, content } of corrupt) {
    await outbox.delete(key);
    await transaction.objectStore("quarantine").add(unreadable("outbox", content));
    const id = documentOf(content);
    for (const one of id ? [id] : await documentIdsIn(transaction)) suspects.add(one);
  }
  for (const documentId of suspects) await outbox.add({ documentId, update: undefined });
  return corrupt.length;
}

/** Notes that a person was told of what cannot be read. */
export async function dismissUnreadable(transaction: ReadWrite): Promise<void> {
  const store = transaction.objectStore("quarantine");
  for (const { key, ...record } of await readQuarantine(transaction))
    if (record.reason === "corrupt" && record.told !== true)
      await store.put({ ...record, unsent: false, told: true }, key);
}

/** Forgets records, but not those whose words are still to come back. */
export async function removeQuarantined(transaction: ReadWrite, keys: readonly number[]): Promise<void> {
  const store = transaction.objectStore("quarantine");
  for (const key of keys) if ((await store.get(key))?.waits !== true) await store.delete(key);
}

/** The documents of which anything is stored. */
export async function documentIdsIn(transaction: Transaction<"readonly"> | ReadWrite): Promise<Set<ConversationId>> {
  const keys = new Set<string>(await transaction.objectStore("documents").getAllKeys());
  const index = transaction.objectStore("updates").index("documentId");
  for (let at = await index.openKeyCursor(null, "nextunique"); at; at = await at.continue()) keys.add(at.key);
  return new Set([...keys].flatMap((key) => parseConversationId(key) ?? []));
}

const unreadable = (store: string, content: unknown, key?: unknown): QuarantinedRecord => ({
  documentId: documentOf({ documentId: key }) ?? documentOf(content) ?? "",
  reason: "corrupt",
  content,
  store,
});

interface Records<K> {
  getAllKeys(): Promise<K[]>;
  getAll(): Promise<unknown[]>;
}

async function corruptIn<K>(
  store: Records<K>,
  isSound: (raw: unknown) => boolean,
): Promise<{ key: K; content: unknown }[]> {
  const [keys, records] = await Promise.all([store.getAllKeys(), store.getAll()]);
  return keys.flatMap((key, at) => (isSound(records[at]) ? [] : [{ key, content: records[at] }]));
}
