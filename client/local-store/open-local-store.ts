import type { Clock } from "#client/platform/platform.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { dropForgotten, readForgotten } from "./forgotten-ids.ts";
import { foldUpdates } from "./fold-updates.ts";
import { withFeedEntry, withLocal } from "./library-state.ts";
import type * as Bulk from "./bulk-records.ts";
import type {
  DocumentWrite,
  LocalStore,
  LocalSummary,
  QuarantinedRecord,
  StoreFailure,
  StoredDocument,
} from "./local-store.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { noDatabase, openDatabase } from "./open-database.ts";
import type { Transaction } from "./open-database.ts";
import type * as Quarantine from "./quarantine.ts";
import {
  DOCUMENT_STORES,
  documentRecord,
  epochIn,
  EVERY_STORE,
  readDocument,
  readFolded,
  readQuarantine,
} from "./read-document.ts";
import { readUnacknowledged } from "./read-unacknowledged.ts";
import type { RunCommand } from "./run-command.ts";
import { isCursor, isRunCommand, isSummaryRecord } from "./stored-records.ts";
import { putSummary, readFirstSummaries, readSomeSummaries, readSummaries, readSummary } from "./summary-records.ts";

/** The name of the database of one account in one workspace. */
export const localStoreName = (accountId: string, workspaceId: string): string =>
  `holdfast:${accountId}:${workspaceId}`;

/**
 * Opens the store in IndexedDB. Without IndexedDB everything answers `unavailable` and nothing throws.
 * @param name absent on a shared device, on which there is to be none
 * @param clock without one, a database that neither opens nor fails is waited for
 */
export function openLocalStore(name: string | undefined, clock?: Pick<Clock, "after">): LocalStore {
  const database = name === undefined ? noDatabase : openDatabase(name, clock);
  const quarantinedListeners = new Set<() => void>();

  /** Does what is needed rarely, with code that is loaded for it. */
  async function rarely<T>(
    stores: RareStores,
    work: (repair: Repair, transaction: ReadWrite) => Promise<T>,
  ): Promise<Result<T, StoreFailure>> {
    const repair = await loadRepair();
    // Code that does not arrive is as little use as a database that does not open.
    if (repair === undefined) return err("unavailable");
    return await database.run("readwrite", stores, (transaction) => work(repair, transaction));
  }

  /** Sets aside what cannot be read, and says so; answers how many records that were. */
  async function mend(...args: Parameters<typeof rarely<number>>): Promise<Result<number, StoreFailure>> {
    const mended = await rarely(...args);
    if (mended.ok && mended.value > 0) for (const listener of quarantinedListeners) listener();
    return mended;
  }

  /** Reads or writes what bulk sync sends, with code that no first paint waits for. */
  async function inBulk<T, M extends "readonly" | "readwrite">(
    mode: M,
    stores: Parameters<typeof database.run>[1],
    work: (bulk: typeof Bulk, transaction: Transaction<M>) => Promise<T>,
  ): Promise<Result<T, StoreFailure>> {
    const bulk = await import("./bulk-records.ts").catch(() => undefined);
    return bulk ? await database.run(mode, stores, (transaction) => work(bulk, transaction)) : err("unavailable");
  }

  const mendDocument = (id: ConversationId): Promise<Result<number, StoreFailure>> =>
    mend([...DOCUMENT_STORES, "summaries"], async (repair, transaction) =>
      repair.quarantineCorrupt(transaction, id, await readFolded(transaction, id)),
    );

  /** Reads; where a record cannot be read it is set aside first. What is readable is answered in any case. */
  async function readSound<T extends { corrupt: number }>(
    stores: ReadStores,
    read: (transaction: Transaction<"readonly">) => Promise<T>,
    setAside: (repair: Repair, transaction: ReadWrite) => Promise<number>,
  ): Promise<Result<T, StoreFailure>> {
    const first = await database.run("readonly", [...stores], read);
    if (!first.ok || first.value.corrupt === 0) return first;
    const mended = await mend([...stores, ...REPAIR_STORES], setAside);
    return mended.ok ? await database.run("readonly", [...stores], read) : first;
  }

  async function compact(id: ConversationId, epoch: number): Promise<Result<number, StoreFailure>> {
    const compacted = await database.run("readwrite", [...DOCUMENT_STORES], async (transaction) => {
      const { keys, folded, stored } = await readFolded(transaction, id);
      if (folded.corrupt.length > 0) return undefined;
      if (keys.length === 0 || folded.state === undefined) return 0;
      const record = documentRecord(id, stored ? epochIn(stored) : epoch, folded.state);
      await transaction.objectStore("documents").put(record);
      await Promise.all(keys.map((key) => transaction.objectStore("updates").delete(key)));
      return keys.length;
    });
    if (!compacted.ok) return compacted;
    if (compacted.value !== undefined) return ok(compacted.value);
    const mended = await mendDocument(id);
    return mended.ok && mended.value > 0 ? await compact(id, epoch) : mended;
  }

  let asked: Set<ConversationId> | undefined;
  let reading: Promise<Result<Map<ConversationId, StoredDocument>, StoreFailure>> | undefined;

  /** What is asked for in one turn is read in one transaction: most of what a small read costs is its transaction. */
  async function readSoon(id: ConversationId): Promise<Result<StoredDocument, StoreFailure>> {
    if (asked === undefined || reading === undefined) {
      const ids = new Set<ConversationId>();
      asked = ids;
      reading = Promise.resolve().then(() => {
        asked = undefined;
        return database.run("readonly", [...DOCUMENT_STORES], async (transaction) => {
          const read = [...ids].map(async (one) => [one, await readDocument(transaction, one)] as const);
          return new Map(await Promise.all(read));
        });
      });
    }
    asked.add(id);
    const read = await reading;
    if (!read.ok) return read;
    const found = read.value.get(id);
    return found ? ok(found) : err("unavailable");
  }

  return {
    health: database.health,
    subscribe: database.subscribe,
    onReopened: database.onReopened,
    onFound: database.onFound,
    onQuarantined(listener) {
      quarantinedListeners.add(listener);
      return () => quarantinedListeners.delete(listener);
    },
    close: database.close,

    async load(id) {
      const read = await readSoon(id);
      if (!read.ok || read.value.quarantined === 0) return read;
      const mended = await mendDocument(id);
      const again = mended.ok ? await readSoon(id) : mended;
      // Edits that may be garbled are not sent; what is readable beside them is there all the same.
      if (!mended.ok || !again.ok) return ok({ ...read.value, outbox: [] });
      return ok({ ...again.value, quarantined: mended.value });
    },
    write: (write) =>
      database.run(
        "readwrite",
        ["documents", "updates", "outbox", "summaries", "commands", "quarantine"],
        (transaction) => writeDocument(transaction, write),
        write.strict ? "strict" : "relaxed",
        write.state === undefined,
      ),
    settle: (id, keys, summary) =>
      database.run("readwrite", ["outbox", "summaries"], async (transaction) => {
        await Promise.all([
          ...keys.map((key) => transaction.objectStore("outbox").delete(key)),
          summary && putLocalSummary(transaction, id, summary),
        ]);
      }),
    compact,
    heal: (id, epoch, state, own) =>
      database.run("readwrite", [...DOCUMENT_STORES], async (transaction) => {
        const waiting = await transaction.objectStore("outbox").index("documentId").count(id);
        if (waiting > 0) return false;
        const updates = transaction.objectStore("updates");
        const keys = await updates.index("documentId").getAllKeys(id);
        await Promise.all(keys.map((key) => updates.delete(key)));
        await transaction.objectStore("documents").put({ id, epoch, state });
        await transaction.objectStore("quarantine").add(divergedCopy(id, own));
        return true;
      }),
    bringBack: (keys, write) =>
      database.run("readwrite", [...DOCUMENT_STORES, "summaries", "commands"], async (transaction) => {
        const quarantine = transaction.objectStore("quarantine");
        const records = await Promise.all(keys.map((key) => quarantine.get(key)));
        if (records.some((record) => record?.waits !== true)) return "elsewhere";
        for (const [index, record] of records.entries())
          if (record) await quarantine.put({ ...record, waits: false }, keys[index]);
        return await writeDocument(transaction, write);
      }),
    async outbox() {
      const read = await readSound(
        ["outbox", "quarantine", "snapshotCommands"],
        readUnacknowledged,
        (repair, transaction) => repair.quarantineOutbox(transaction),
      );
      if (!read.ok) return read;
      const { rows, quarantined } = read.value;
      const corrupt = quarantined.filter(({ reason, unsent }) => reason === "corrupt" && unsent !== true);
      return ok({
        rows,
        unreadable: documentsOf(quarantined.filter(({ unsent }) => unsent === true)),
        corrupt: corrupt.filter(({ told }) => told !== true).length,
        setAside: documentsOf(quarantined.filter(({ waits }) => waits === true)),
        snapshots: read.value.snapshots,
      });
    },
    unsent: (most, wants) =>
      inBulk("readonly", [...DOCUMENT_STORES], (bulk, transaction) => bulk.readUnsent(transaction, most, wants)),
    settlePushed: (id, keys, headSeq) =>
      inBulk("readwrite", ["outbox", "summaries"], (bulk, transaction) =>
        bulk.settlePushed(transaction, id, keys, headSeq),
      ),
    takePulled: (bodies) =>
      inBulk("readwrite", ["documents", "updates", "summaries"], (bulk, transaction) =>
        bulk.takePulled(transaction, bodies),
      ),
    setAside: (id, content) =>
      database.run("readwrite", ["quarantine"], async (transaction) => {
        await transaction.objectStore("quarantine").add(divergedCopy(id, content));
      }),
    quarantined: () => database.run("readonly", ["quarantine"], readQuarantine),
    dismissUnreadable: () => rarely(["quarantine"], (repair, transaction) => repair.dismissUnreadable(transaction)),
    removeQuarantined: (keys) =>
      rarely(["quarantine"], (repair, transaction) => repair.removeQuarantined(transaction, keys)),
    documentIds: () => rarely(["documents", "updates"], (repair, transaction) => repair.documentIdsIn(transaction)),

    firstSummaries: (most) =>
      database.run("readonly", ["summaries"], (transaction) => readFirstSummaries(transaction, most)),
    library: () =>
      readSound(
        ["summaries", "meta"],
        async (transaction) => {
          const [cursor, records] = await Promise.all([
            transaction.objectStore("meta").get("cursor"),
            readSummaries(transaction),
          ]);
          const sound = records.filter(isSummaryRecord);
          const corrupt = records.length - sound.length + (cursor === undefined || isCursor(cursor) ? 0 : 1);
          return { cursor: isCursor(cursor) && corrupt === 0 ? cursor : 0, records: sound, corrupt };
        },
        (repair, transaction) => repair.quarantineSummaries(transaction),
      ),
    async writeFeed({ from, to }, entries) {
      const chats = entries.filter((entry) => entry.kind !== "snapshot");
      const news = entries.filter((entry) => entry.kind === "snapshot");
      const erased = chats.filter((entry) => entry.erased);
      const erasing = erased.length > 0 ? await loadErasing() : undefined;
      const records = news.length > 0 ? await loadSnapshots() : undefined;
      if ((erased.length > 0 && !erasing) || (news.length > 0 && !records)) return err("unavailable");
      // Only what is erased needs them all, and whoever writes a document waits for them.
      const stores = erasing ? [...EVERY_STORE] : (["summaries", "meta"] as const);
      return await database.run(
        "readwrite",
        [...stores, ...(records?.SNAPSHOT_STORES ?? [])],
        async (transaction) => {
          const forgotten = new Set(await erasing?.forgetErased(transaction, erased));
          const known = await readSomeSummaries(
            transaction,
            chats.map(({ id }) => id),
          );
          // One after the other each would wait for the one before: an entry is of one conversation.
          await Promise.all(
            chats.map(async (entry) => {
              if (forgotten.has(entry.id as ConversationId)) return;
              await putSummary(transaction, withFeedEntry(known.get(entry.id), entry));
            }),
          );
          await records?.takeSnapshotEntries(transaction, news);
          const meta = transaction.objectStore("meta");
          const stored: unknown = await meta.get("cursor");
          const before = isCursor(stored) ? stored : 0;
          // Another tab may have read further meanwhile, or set aside what the feed has to be read again for.
          if (from <= before) await meta.put(Math.max(to, before), "cursor");
          return [...forgotten];
        },
        "relaxed",
        // A cursor without the entries before it would hide them for good.
        true,
      );
    },
    mark: (id, marks) =>
      database.run("readwrite", ["summaries"], async (transaction) => {
        const record = await readSummary(transaction, id);
        if (record) await putSummary(transaction, { ...record, ...marks });
      }),
    async forget(id, onlyIf) {
      const erasing = await loadErasing();
      if (erasing === undefined) return err("unavailable");
      return await database.run("readwrite", [...EVERY_STORE], (transaction) =>
        erasing.forgetWanted(transaction, id, onlyIf),
      );
    },
    async cleanUpForgotten(clean) {
      const forgotten = await database.run("readonly", ["meta"], readForgotten);
      if (!forgotten.ok || forgotten.value.length === 0) return;
      for (const id of forgotten.value) clean(id);
      await database.run("readwrite", ["meta"], (transaction) => dropForgotten(transaction, forgotten.value));
    },

    async commands() {
      const read = await readSound(["commands"], readCommands, (repair, transaction) =>
        repair.quarantineCommands(transaction),
      );
      return read.ok ? ok(read.value.commands) : read;
    },
    keepCommands: (commands) =>
      database.run("readwrite", ["commands"], async (transaction) => {
        for (const command of commands) await transaction.objectStore("commands").put(command);
      }),
    removeCommand: (runId) =>
      database.run("readwrite", ["commands"], (transaction) => transaction.objectStore("commands").delete(runId)),
    run: database.run,
  };
}

type ReadWrite = Transaction<"readwrite">;
type Repair = typeof Quarantine;
type RareStores = (ReadStores[number] | (typeof REPAIR_STORES)[number])[];

/** What erases is hardly ever needed, so it is loaded when it is; `undefined` where it cannot be now. */
const loadErasing = () => import("./erased-records.ts").catch(() => undefined);
const loadRepair = (): Promise<Repair | undefined> => import("./quarantine.ts").catch(() => undefined);

const loadSnapshots = () => import("./snapshot-records.ts").catch(() => undefined);

type ReadStores = ("outbox" | "quarantine" | "summaries" | "meta" | "commands" | "snapshotCommands")[];

const REPAIR_STORES = ["documents", "updates", "quarantine"] as const;

async function readCommands(
  transaction: Transaction<"readonly">,
): Promise<{ commands: RunCommand[]; corrupt: number }> {
  const raw: unknown[] = await transaction.objectStore("commands").getAll();
  const commands = raw.filter(isRunCommand);
  return { commands, corrupt: raw.length - commands.length };
}

const divergedCopy = (documentId: ConversationId, content: Uint8Array): QuarantinedRecord => ({
  documentId,
  reason: "diverged",
  content,
  waits: true,
});

const documentsOf = (records: readonly QuarantinedRecord[]): Set<ConversationId> =>
  new Set(records.map(({ documentId }) => documentId as ConversationId));

async function writeDocument(transaction: ReadWrite, write: DocumentWrite): Promise<number | undefined> {
  const { id, epoch, local, remote, state, commands, summary } = write;
  const updates = transaction.objectStore("updates");
  const outbox = transaction.objectStore("outbox");
  let outboxKey: number | undefined;
  if (state) {
    await putState(transaction, id, epoch, state.bytes);
    if (state.pending) outboxKey = await outbox.add({ documentId: id, update: undefined });
  }
  if (remote) await updates.add({ documentId: id, bytes: remote });
  if (local) {
    const update = await updates.add({ documentId: id, bytes: local });
    outboxKey = await outbox.add({ documentId: id, update });
  }
  for (const command of commands) await transaction.objectStore("commands").put(command);
  if (summary) await putLocalSummary(transaction, id, summary);
  return outboxKey;
}

/** Another tab may have stored what this one does not have: never replace, merge. */
async function putState(transaction: ReadWrite, id: ConversationId, epoch: number, bytes: Uint8Array): Promise<void> {
  const documents = transaction.objectStore("documents");
  const stored = await documents.get(id);
  const folded = foldUpdates([bytes, ...(stored ? [stored.state] : [])]);
  if (folded.corrupt.length > 0) {
    await transaction.objectStore("quarantine").add({ documentId: id, reason: "corrupt", content: stored?.state });
  }
  await documents.put(folded.state ? documentRecord(id, epoch, folded.state) : { id, epoch, state: bytes });
}

async function putLocalSummary(
  transaction: Transaction<"readwrite">,
  id: ConversationId,
  local: LocalSummary,
): Promise<void> {
  await putSummary(transaction, withLocal(id, await readSummary(transaction, id), local));
}
