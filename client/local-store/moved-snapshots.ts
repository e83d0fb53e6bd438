import type { ConversationId } from "#shared/domain/ids.ts";
import { addFrozen, readFrozen } from "./frozen-records.ts";
import type { FrozenByHash } from "./frozen-records.ts";
import type { Transaction } from "./open-database.ts";
import type { QueuedCommand, SnapshotRecord } from "./snapshot-record.ts";
import { SNAPSHOT_STORES, putRecord, readQueue, readRecord, readSnapshots } from "./snapshot-records.ts";
import { sealedSummary } from "./snapshot-state.ts";
import { isSnapshotRecord } from "./stored-snapshots.ts";

// How the snapshots of one conversation get from one database into another one (see `moved-records.ts`).

type ReadWrite = Transaction<"readwrite">;
type AnyTransaction = Transaction<"readonly"> | ReadWrite;

/** All that a database holds of the snapshots of one conversation. */
export interface HeldSnapshots {
  records: SnapshotRecord[];
  queue: QueuedCommand[];
  frozen: FrozenByHash;
}

/** Whether this database has stores for snapshots: one on a disk without any room may have none. */
const hasStores = (transaction: AnyTransaction): boolean =>
  SNAPSHOT_STORES.every((name) => transaction.objectStoreNames.contains(name));

/** The conversations of which there are snapshots here. */
export async function snapshotConversationIds(transaction: AnyTransaction): Promise<string[]> {
  if (!hasStores(transaction)) return [];
  const [{ records }, { queue }] = await Promise.all([readSnapshots(transaction), readQueue(transaction)]);
  return [...records, ...queue.map(({ command }) => command)].map(({ conversationId }) => conversationId);
}

export async function readHeldSnapshots(transaction: AnyTransaction, id: string): Promise<HeldSnapshots> {
  if (!hasStores(transaction)) return { records: [], queue: [], frozen: new Map() };
  const [raw, waiting] = await Promise.all([
    transaction.objectStore("snapshots").index("conversationId").getAll(id) as Promise<unknown[]>,
    transaction.objectStore("snapshotCommands").count(),
  ]);
  const records = raw.filter(isSnapshotRecord);
  // Every conversation asks, and hardly any has some.
  const queue = waiting > 0 ? (await readQueue(transaction)).queue : [];
  const own = queue.filter(({ command }) => command.conversationId === id);
  const held = { records, queue: own, frozen: new Map() };
  return hasSnapshots(held) ? { ...held, frozen: await readFrozen(transaction, id) } : held;
}

export const hasSnapshots = ({ records, queue }: HeldSnapshots): boolean => records.length + queue.length > 0;

/** What tells whether anything was written between two looks. */
export const printOfSnapshots = ({ records, queue, frozen }: HeldSnapshots): unknown => [
  records.map(({ id, feed, answered }) => [id, feed?.feedSeq, answered]),
  queue,
  frozen.size,
];

/** @param copied keys of the commands that were copied before, to which these are added */
export async function copySnapshots(
  transaction: ReadWrite,
  { records, queue, frozen }: HeldSnapshots,
  copied: Set<number>,
): Promise<void> {
  if (!hasSnapshots({ records, queue, frozen })) return;
  for (const record of records) await copyRecord(transaction, record);
  const [{ conversationId }] = [...records, ...queue.map(({ command }) => command)] as [SnapshotRecord];
  const messages = [...frozen].map(([hash, message]) => ({ hash, message }));
  await addFrozen(transaction, conversationId, messages);
  const commands = transaction.objectStore("snapshotCommands");
  for (const { key, command } of queue)
    if (!copied.has(key)) {
      copied.add(key);
      await commands.add(command);
    }
}

/** The feed of the account tells of it with a place of its own; until then it is shown as it was. */
async function copyRecord(transaction: ReadWrite, record: SnapshotRecord): Promise<void> {
  const { feed, answered } = record;
  const summary = sealedSummary(record);
  const shown = summary && { summary, headSeq: answered ? answered.headSeq : feed?.headSeq };
  const stored = await readRecord(transaction, record.id);
  await putRecord(transaction, stored ?? { ...record, feed: undefined, answered: shown });
}

/** Deletes them where they were. */
export async function forgetSnapshots(transaction: ReadWrite, id: string): Promise<void> {
  const { records, queue, frozen } = await readHeldSnapshots(transaction, id);
  if (!hasStores(transaction)) return;
  const messages = transaction.objectStore("frozenMessages");
  await Promise.all([
    ...records.map((record) => transaction.objectStore("snapshots").delete(record.id)),
    ...queue.map(({ key }) => transaction.objectStore("snapshotCommands").delete(key)),
    ...[...frozen.keys()].map((hash) => messages.delete([id as ConversationId, hash])),
    transaction.objectStore("frozenSeries").delete(id),
  ]);
}
