import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import type { SnapshotId } from "#shared/domain/ids.ts";
import type { Result } from "#shared/lib/result.ts";
import { ok } from "#shared/lib/result.ts";
import { readFrozen, takeSeries } from "./frozen-records.ts";
import type { CheckedSeries, FrozenByHash, HashedMessage } from "./frozen-records.ts";
import type { LocalStore, StoreFailure } from "./local-store.ts";
import type { QueuedCommand, SettledCommand, SnapshotCommand, SnapshotRecord } from "./snapshot-record.ts";
import {
  SNAPSHOT_STORES,
  addCommand,
  areRecordsLost,
  noteContent,
  noteRecordsFound,
  quarantineSnapshots,
  readFirstSnapshots,
  readQueue,
  readSnapshots,
  settle,
  withdraw,
} from "./snapshot-records.ts";
import { isSnapshotRecord } from "./stored-snapshots.ts";

type Stored<T> = Promise<Result<T, StoreFailure>>;

/** Which frozen messages are here. */
export interface FrozenHere {
  /** `<conversation> <hash>` of each */
  keys: ReadonlySet<string>;
  /** by conversation: up to which place they were pulled */
  after: ReadonlyMap<string, number>;
}

/** What the database holds of snapshots. Each method is one transaction, and never rejects (see `LocalStore`). */
export interface SnapshotStore {
  first(most: number): Stored<SnapshotRecord[]>;
  /** `lost`: there were more records, which could not be read; the feed has to be asked for them again */
  all(): Stored<{ records: SnapshotRecord[]; queue: QueuedCommand[]; lost: boolean }>;
  /** The feed was asked for all of them again. */
  noteFound(): Stored<void>;
  /** The commands that wait, and these records. */
  some(ids: readonly SnapshotId[]): Stored<{ records: SnapshotRecord[]; queue: QueuedCommand[] }>;
  queue(): Stored<QueuedCommand[]>;
  /**
   * On the disk before it answers, as what nobody else has. Answers the command's key, or that it was done already.
   * @param isAgain it was stored before the connection was lost: where it still is, it is not stored twice
   */
  add(command: SnapshotCommand, messages: readonly HashedMessage[], isAgain: boolean): Stored<number | undefined>;
  /** Adds new wishes, which freeze nothing, in one transaction. Answers their keys, in order. */
  addWishes(commands: readonly SnapshotCommand[]): Stored<number[]>;
  settle(queued: readonly QueuedCommand[], settled: SettledCommand): Stored<void>;
  withdraw(id: SnapshotId): Stored<void>;
  frozen(conversationId: string): Stored<FrozenByHash>;
  frozenHere(): Stored<FrozenHere>;
  /** Stores what was pulled; answers how many messages were not what they should be, and were set aside. */
  takeSeries(series: readonly CheckedSeries[]): Stored<number>;
  noteContent(id: SnapshotId, content: FrozenContent & { hashes: readonly string[] }): Stored<void>;
}

export const withHashes = (content: Pick<FrozenContent, "messages">, hashes: readonly string[]): HashedMessage[] =>
  content.messages.map((message, at) => ({ hash: hashes[at] ?? "", message }));

export function openSnapshotStore({ run }: Pick<LocalStore, "run">): SnapshotStore {
  const stores = [...SNAPSHOT_STORES];

  async function mend(): Promise<void> {
    await run("readwrite", ["snapshots", "snapshotCommands", "quarantine", "meta"], quarantineSnapshots);
  }

  return {
    first: (most) => run("readonly", ["snapshots"], (transaction) => readFirstSnapshots(transaction, most)),
    async all() {
      const read = await run("readonly", ["snapshots", "snapshotCommands", "meta"], async (transaction) => {
        const [snapshots, commands] = await Promise.all([readSnapshots(transaction), readQueue(transaction)]);
        const corrupt = snapshots.corrupt.length + commands.corrupt.length;
        const lost = snapshots.corrupt.length > 0 || (await areRecordsLost(transaction));
        return { records: snapshots.records, queue: commands.queue, corrupt, lost };
      });
      if (read.ok && read.value.corrupt > 0) await mend();
      return read;
    },
    noteFound: () => run("readwrite", ["meta"], noteRecordsFound),
    some: (ids) =>
      run("readonly", ["snapshots", "snapshotCommands"], async (transaction) => {
        const store = transaction.objectStore("snapshots");
        const [records, { queue }] = await Promise.all([
          Promise.all(ids.map((id) => store.get(id) as Promise<unknown>)),
          readQueue(transaction),
        ]);
        return { records: records.filter(isSnapshotRecord), queue };
      }),
    async queue() {
      const read = await run("readonly", ["snapshotCommands"], readQueue);
      return read.ok ? ok(read.value.queue) : read;
    },
    add: (command, messages, isAgain) =>
      run(
        "readwrite",
        ["snapshots", "snapshotCommands", "frozenMessages"],
        (transaction) => addCommand(transaction, command, messages, isAgain),
        "strict",
      ),
    addWishes: (commands) =>
      run(
        "readwrite",
        ["snapshotCommands"],
        (transaction) => Promise.all(commands.map((one) => transaction.objectStore("snapshotCommands").add(one))),
        "strict",
      ),
    settle: (queued, settled) => run("readwrite", stores, (transaction) => settle(transaction, queued, settled)),
    withdraw: (id) => run("readwrite", stores, (transaction) => withdraw(transaction, id)),
    frozen: (conversationId) =>
      run("readonly", ["frozenMessages"], (transaction) => readFrozen(transaction, conversationId)),
    frozenHere: () =>
      run("readonly", ["frozenMessages", "frozenSeries"], async (transaction) => {
        const series = transaction.objectStore("frozenSeries");
        const [keys, ids, places] = await Promise.all([
          transaction.objectStore("frozenMessages").getAllKeys(),
          series.getAllKeys(),
          series.getAll(),
        ]);
        return {
          keys: new Set(keys.map((key) => key.join(" "))),
          after: new Map(ids.map((id, at) => [id, Number(places[at]) || 0])),
        };
      }),
    takeSeries: (series) =>
      run("readwrite", ["frozenMessages", "frozenSeries", "quarantine"], async (transaction) => {
        let wrong = 0;
        for (const one of series) wrong += await takeSeries(transaction, one);
        return wrong;
      }),
    noteContent: (id, content) =>
      run("readwrite", ["snapshots", "frozenMessages"], (transaction) =>
        noteContent(transaction, id, {
          manifest: content.manifest,
          messages: withHashes(content, content.hashes),
        }),
      ),
  };
}
