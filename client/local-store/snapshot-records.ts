import type { ConversationId, SnapshotId } from "#shared/domain/ids.ts";
import { putFrozen, sweepFrozen } from "./frozen-records.ts";
import type { HashedMessage } from "./frozen-records.ts";
import type { Transaction } from "./open-database.ts";
import type { QueuedCommand, SettledCommand, SnapshotCommand, SnapshotRecord } from "./snapshot-record.ts";
import { snapshotPlace, withDone, withSnapshotEntry } from "./snapshot-state.ts";
import { isSnapshotCommand, isSnapshotRecord, snapshotEntriesIn } from "./stored-snapshots.ts";

// The records of snapshots, and the commands that wait for the server, in the database.

type ReadWrite = Transaction<"readwrite">;
type AnyTransaction = Transaction<"readonly"> | ReadWrite;

export const SNAPSHOT_STORES = ["snapshots", "frozenMessages", "snapshotCommands", "frozenSeries"] as const;

/** How many are read at once: some milliseconds of the page's time, between which it can paint. */
const READ_AT_ONCE = 1_000;

/** A record that cannot be read is as good as none: the feed brings it again. */
export async function readRecord(transaction: AnyTransaction, id: string): Promise<SnapshotRecord | undefined> {
  const stored: unknown = await transaction.objectStore("snapshots").get(id);
  return isSnapshotRecord(stored) ? stored : undefined;
}

export async function putRecord(transaction: ReadWrite, record: SnapshotRecord): Promise<void> {
  await transaction.objectStore("snapshots").put({ ...record, listed: snapshotPlace(record) });
}

/** The records at the head of the list. */
export async function readFirstSnapshots(transaction: AnyTransaction, most: number): Promise<SnapshotRecord[]> {
  const records: unknown[] = await transaction.objectStore("snapshots").index("listed").getAll(undefined, most);
  return records.filter(isSnapshotRecord);
}

/** All records; `corrupt` are the keys of those that cannot be read. */
export async function readSnapshots(
  transaction: AnyTransaction,
): Promise<{ records: SnapshotRecord[]; corrupt: string[] }> {
  const store = transaction.objectStore("snapshots");
  const records: SnapshotRecord[] = [];
  const corrupt: string[] = [];
  let range: IDBKeyRange | undefined;
  for (;;) {
    const [keys, some] = await Promise.all([store.getAllKeys(range, READ_AT_ONCE), store.getAll(range, READ_AT_ONCE)]);
    some.forEach((record: unknown, at) =>
      isSnapshotRecord(record) ? records.push(record) : corrupt.push(keys[at] ?? ""),
    );
    const last = keys.at(-1);
    if (last === undefined || keys.length < READ_AT_ONCE) return { records, corrupt };
    range = IDBKeyRange.lowerBound(last, true);
  }
}

/** All commands that wait, oldest first; `corrupt` are the keys of those that cannot be read. */
export async function readQueue(transaction: AnyTransaction): Promise<{ queue: QueuedCommand[]; corrupt: number[] }> {
  const store = transaction.objectStore("snapshotCommands");
  const [keys, commands] = await Promise.all([store.getAllKeys(), store.getAll() as Promise<unknown[]>]);
  const queue: QueuedCommand[] = [];
  const corrupt: number[] = [];
  keys.forEach((key, at) => {
    const command = commands[at];
    if (isSnapshotCommand(command)) queue.push({ key, command });
    else corrupt.push(key);
  });
  return { queue, corrupt };
}

/**
 * Stores a command with all that it freezes; answers its key. Taking a snapshot that another tab takes answers the key of
 * that; one that the server has needs no command, and `undefined` is answered.
 * @param isAgain it was stored before, in a database that may be this one
 */
export async function addCommand(
  transaction: ReadWrite,
  command: SnapshotCommand,
  messages: readonly HashedMessage[],
  isAgain: boolean,
): Promise<number | undefined> {
  const isTake = command.deed.type === "take";
  if (isTake && (await readRecord(transaction, command.snapshotId))) return undefined;
  if (messages.length > 0) await putFrozen(transaction, command.conversationId, messages);
  const waiting = isTake || isAgain ? (await readQueue(transaction)).queue : [];
  const same = waiting.find(({ command: one }) => (isTake ? isSameTake(one, command) : isSameCommand(one, command)));
  return same?.key ?? (await transaction.objectStore("snapshotCommands").add(command));
}

const isSameTake = (one: SnapshotCommand, other: SnapshotCommand): boolean =>
  one.deed.type === "take" && one.snapshotId === other.snapshotId;

const isSameCommand = (one: SnapshotCommand, other: SnapshotCommand): boolean =>
  one.snapshotId === other.snapshotId &&
  one.createdAt === other.createdAt &&
  JSON.stringify(one.deed) === JSON.stringify(other.deed);

/** Takes a page of the feed; what was erased goes, with the frozen messages that only it had. */
export async function takeSnapshotEntries(transaction: ReadWrite, page: readonly unknown[]): Promise<void> {
  const erased: Erased[] = [];
  for (const entry of snapshotEntriesIn(page)) {
    const record = await readRecord(transaction, entry.id);
    if (entry.erased) erased.push({ id: entry.id as SnapshotId, conversationId: record?.conversationId });
    else await putRecord(transaction, withSnapshotEntry(record, entry));
  }
  await forgetErased(transaction, erased);
}

interface Erased {
  id: SnapshotId;
  /** absent where nothing of it is here */
  conversationId: ConversationId | undefined;
}

/** All at once: the commands are read once, and the frozen messages of each conversation are looked through once. */
async function forgetErased(transaction: ReadWrite, erased: readonly Erased[]): Promise<void> {
  if (erased.length === 0) return;
  const snapshots = transaction.objectStore("snapshots");
  await Promise.all(erased.map(({ id }) => snapshots.delete(id)));
  await deleteCommandsOf(transaction, new Set(erased.map(({ id }) => id)));
  const swept = new Set(erased.flatMap(({ conversationId }) => conversationId ?? []));
  for (const id of swept) await sweepFrozen(transaction, id);
}

async function deleteCommandsOf(transaction: ReadWrite, ids: ReadonlySet<SnapshotId>): Promise<QueuedCommand[]> {
  const own = (await readQueue(transaction)).queue.filter(({ command }) => ids.has(command.snapshotId));
  await Promise.all(own.map(({ key }) => transaction.objectStore("snapshotCommands").delete(key)));
  return own;
}

/** Takes back what waits for the server; answers it. */
export async function withdraw(transaction: ReadWrite, id: SnapshotId): Promise<void> {
  const own = await deleteCommandsOf(transaction, new Set([id]));
  const taken = own.find(({ command }) => command.deed.type === "take");
  if (taken) await sweepFrozen(transaction, taken.command.conversationId);
}

/**
 * Takes commands out of the outbox and writes down what became of them, in one transaction. Does nothing where somebody
 * else did, or one was taken back.
 */
export async function settle(
  transaction: ReadWrite,
  queued: readonly QueuedCommand[],
  settled: SettledCommand,
): Promise<void> {
  const erased: Erased[] = [];
  for (const one of queued) {
    const { snapshotId, conversationId, deed } = one.command;
    const isErased = deed.type === "erase" && settled.type === "done";
    if ((await settleOne(transaction, one, settled)) && isErased) erased.push({ id: snapshotId, conversationId });
  }
  await forgetErased(transaction, erased);
}

/** Answers whether it was still there. */
async function settleOne(
  transaction: ReadWrite,
  { key, command }: QueuedCommand,
  settled: SettledCommand,
): Promise<boolean> {
  const store = transaction.objectStore("snapshotCommands");
  const stored: unknown = await store.get(key);
  if (!isSnapshotCommand(stored) || stored.snapshotId !== command.snapshotId) return false;
  if (settled.type === "refused") {
    await store.put({ ...stored, refused: settled.code }, key);
    return true;
  }
  await store.delete(key);
  if (settled.type === "dropped" || command.deed.type === "erase") return true;
  const record = await readRecord(transaction, command.snapshotId);
  const next = withDone(record, command, settled.answered);
  if (next) await putRecord(transaction, next);
  return true;
}

/** Notes what a snapshot holds, which the feed did not say. */
export async function noteContent(
  transaction: ReadWrite,
  id: SnapshotId,
  { manifest, messages }: { manifest: NonNullable<SnapshotRecord["manifest"]>; messages: readonly HashedMessage[] },
): Promise<void> {
  const record = await readRecord(transaction, id);
  if (record === undefined) return;
  await putRecord(transaction, { ...record, manifest });
  await putFrozen(transaction, record.conversationId, messages);
}

/** In `meta` while records are lost that the feed told of: the cursor of the library, which is past them, cannot say so. */
const LOST = "snapshotsLost";

export const areRecordsLost = async (transaction: AnyTransaction): Promise<boolean> =>
  (await transaction.objectStore("meta").get(LOST)) === true;

export async function noteRecordsFound(transaction: ReadWrite): Promise<void> {
  await transaction.objectStore("meta").delete(LOST);
}

/** Sets records and commands aside that cannot be read, and notes that records are lost. Answers how many there were. */
export async function quarantineSnapshots(transaction: ReadWrite): Promise<number> {
  const { corrupt: ids } = await readSnapshots(transaction);
  const { corrupt: keys } = await readQueue(transaction);
  const snapshots = transaction.objectStore("snapshots");
  const commands = transaction.objectStore("snapshotCommands");
  const setAside = (store: string, content: unknown): Promise<unknown> =>
    transaction.objectStore("quarantine").add({ documentId: "", reason: "corrupt", content, store });
  for (const id of ids) {
    await setAside("snapshots", await snapshots.get(id));
    await snapshots.delete(id);
  }
  for (const key of keys) {
    await setAside("snapshotCommands", await commands.get(key));
    await commands.delete(key);
  }
  if (ids.length > 0) await transaction.objectStore("meta").put(true, LOST);
  return ids.length + keys.length;
}
