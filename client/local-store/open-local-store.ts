import type { ConversationId } from "#shared/domain/ids.ts";
import { forgetHave, readUnsent, settlePushed, takePulled } from "./bulk-records.ts";
import { documentRecord, isAsWritten } from "./document-record.ts";
import { foldUpdates } from "./fold-updates.ts";
import type { Folded } from "./fold-updates.ts";
import { withFeedEntry, withLocal } from "./library-state.ts";
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
import { openDatabase } from "./open-database.ts";
import type { Transaction } from "./open-database.ts";

/** The name of the database of one account in one workspace. */
export const localStoreName = (accountId: string, workspaceId: string): string =>
  `holdfast:${accountId}:${workspaceId}`;

/** Opens the store in IndexedDB. Without IndexedDB everything answers `unavailable` and nothing throws. */
export function openLocalStore(name: string): LocalStore {
  const database = openDatabase(name);

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
    close: database.close,

    async load(id) {
      const read = await readSoon(id);
      if (!read.ok || read.value.quarantined === 0) return read;
      return await database.run("readwrite", [...DOCUMENT_STORES, "summaries"], async (transaction) => {
        const quarantined = await quarantineCorrupt(transaction, id, await readFolded(transaction, id));
        return { ...(await readDocument(transaction, id)), quarantined };
      });
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
    compact: (id, epoch) =>
      database.run("readwrite", [...DOCUMENT_STORES, "summaries"], async (transaction) => {
        const read = await readFolded(transaction, id);
        const { keys, folded, stored } = read;
        await quarantineCorrupt(transaction, id, read);
        if (keys.length === 0 || folded.state === undefined) return 0;
        await transaction.objectStore("documents").put(documentRecord(id, stored?.epoch ?? epoch, folded.state));
        await Promise.all(keys.map((key) => transaction.objectStore("updates").delete(key)));
        return keys.length;
      }),
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
    outbox: () =>
      database.run("readonly", ["outbox", "quarantine"], async (transaction) => {
        const store = transaction.objectStore("outbox");
        const [keys, rows, quarantined] = await Promise.all([
          store.getAllKeys(),
          store.getAll(),
          transaction.objectStore("quarantine").getAll(),
        ]);
        const byDocument = new Map<ConversationId, number[]>();
        rows.forEach(({ documentId }, index) => {
          const key = keys[index];
          if (key !== undefined) byDocument.set(documentId, [...(byDocument.get(documentId) ?? []), key]);
        });
        return {
          rows: byDocument,
          unreadable: documentsOf(quarantined.filter(({ unsent }) => unsent === true)),
          setAside: documentsOf(quarantined.filter(({ waits }) => waits === true)),
        };
      }),
    unsent: (most) => database.run("readonly", [...DOCUMENT_STORES], (transaction) => readUnsent(transaction, most)),
    settlePushed: (id, keys, headSeq) =>
      database.run("readwrite", ["outbox", "summaries"], (transaction) => settlePushed(transaction, id, keys, headSeq)),
    takePulled: (bodies) =>
      database.run("readwrite", ["documents", "updates", "summaries"], (transaction) =>
        takePulled(transaction, bodies),
      ),
    setAside: (id, content) =>
      database.run("readwrite", ["quarantine"], async (transaction) => {
        await transaction.objectStore("quarantine").add(divergedCopy(id, content));
      }),
    quarantined: () =>
      database.run("readonly", ["quarantine"], (transaction) => transaction.objectStore("quarantine").getAll()),
    dismissUnreadable: () =>
      database.run("readwrite", ["quarantine"], async (transaction) => {
        const store = transaction.objectStore("quarantine");
        const [keys, records] = await Promise.all([store.getAllKeys(), store.getAll()]);
        await Promise.all(
          records.map(async (record, index) => {
            if (record.unsent === true) await store.put({ ...record, unsent: false }, keys[index]);
          }),
        );
      }),

    library: () =>
      database.run("readonly", ["summaries", "meta"], async (transaction) => {
        const [cursor, records] = await Promise.all([
          transaction.objectStore("meta").get("cursor"),
          transaction.objectStore("summaries").getAll(),
        ]);
        return { cursor: cursor ?? 0, records };
      }),
    async writeFeed(cursor, entries) {
      const erased = entries.filter((entry) => entry.erased);
      const erasing = erased.length > 0 ? await loadErasing() : undefined;
      if (erased.length > 0 && erasing === undefined) return err("unavailable");
      // Only what is erased needs them all, and whoever writes a document waits for them.
      const stores = erasing ? [...EVERY_STORE] : (["summaries", "meta"] as const);
      return await database.run("readwrite", [...stores], async (transaction) => {
        const forgotten = new Set(await erasing?.forgetErased(transaction, erased));
        const summaries = transaction.objectStore("summaries");
        for (const entry of entries) {
          if (forgotten.has(entry.id as ConversationId)) continue;
          await summaries.put(withFeedEntry(await summaries.get(entry.id), entry));
        }
        const meta = transaction.objectStore("meta");
        // Another tab may have read further meanwhile.
        await meta.put(Math.max(cursor, (await meta.get("cursor")) ?? 0), "cursor");
        return [...forgotten];
      });
    },
    mark: (id, marks) =>
      database.run("readwrite", ["summaries"], async (transaction) => {
        const summaries = transaction.objectStore("summaries");
        const record = await summaries.get(id);
        if (record) await summaries.put({ ...record, ...marks });
      }),
    async forget(id) {
      const erasing = await loadErasing();
      if (erasing === undefined) return err("unavailable");
      return await database.run("readwrite", [...EVERY_STORE], (transaction) =>
        erasing.forgetDocument(transaction, id),
      );
    },

    commands: () =>
      database.run("readonly", ["commands"], (transaction) => transaction.objectStore("commands").getAll()),
    removeCommand: (runId) =>
      database.run("readwrite", ["commands"], (transaction) => transaction.objectStore("commands").delete(runId)),
  };
}

type ReadWrite = Transaction<"readwrite">;

const DOCUMENT_STORES = ["documents", "updates", "outbox", "quarantine"] as const;
const EVERY_STORE = [...DOCUMENT_STORES, "summaries", "commands", "meta"] as const;

/** What erases is hardly ever needed, so it is loaded when it is; `undefined` where it cannot be now. */
const loadErasing = () => import("./erased-records.ts").catch(() => undefined);

type AnyTransaction = Transaction<"readonly"> | ReadWrite;

async function readDocument(transaction: AnyTransaction, id: ConversationId): Promise<StoredDocument> {
  const [{ keys, folded, stored }, outbox, setAside] = await Promise.all([
    readFolded(transaction, id),
    readOutbox(transaction, id),
    readSetAside(transaction, id),
  ]);
  const quarantined = folded.corrupt.length;
  return { epoch: stored?.epoch ?? 0, state: folded.state, rows: keys.length, outbox, quarantined, setAside };
}

const divergedCopy = (documentId: ConversationId, content: Uint8Array): QuarantinedRecord => ({
  documentId,
  reason: "diverged",
  content,
  waits: true,
});

const documentsOf = (records: readonly QuarantinedRecord[]): Set<ConversationId> =>
  new Set(records.map(({ documentId }) => documentId as ConversationId));

async function readSetAside(transaction: AnyTransaction, id: ConversationId): Promise<StoredDocument["setAside"]> {
  const quarantine = transaction.objectStore("quarantine");
  const keys = await quarantine.getAllKeys();
  // Nearly always there is none, and every document asks.
  const records = keys.length > 0 ? await quarantine.getAll() : [];
  return keys.flatMap((key, at) => {
    const record = records[at];
    return record?.documentId === id && record.waits === true ? [{ key, content: record.content }] : [];
  });
}

interface ReadFolded {
  stored: { epoch: number } | undefined;
  /** what was folded: the state, where there is one, and then the rows */
  contents: unknown[];
  folded: Folded;
  /** keys of the rows, the unreadable ones among them */
  keys: number[];
}

async function readFolded(transaction: AnyTransaction, id: ConversationId): Promise<ReadFolded> {
  const index = transaction.objectStore("updates").index("documentId");
  const [stored, keys] = await Promise.all([transaction.objectStore("documents").get(id), index.getAllKeys(id)]);
  // A document at rest has no rows.
  const rows = keys.length > 0 ? await index.getAll(id) : [];
  const contents: unknown[] = [...(stored ? [stored.state] : []), ...rows.map(({ bytes }) => bytes)];
  // Reading an update to see whether it is one takes as long as opening it: what did not change since is not looked at.
  const sound = stored !== undefined && keys.length === 0 && isAsWritten(stored);
  return { stored, contents, folded: sound ? { state: stored.state, corrupt: [] } : foldUpdates(contents), keys };
}

/** Moves what cannot be read out of the way; answers how many records that were. */
async function quarantineCorrupt(transaction: ReadWrite, id: ConversationId, read: ReadFolded): Promise<number> {
  const firstRow = read.stored ? 1 : 0;
  for (const index of read.folded.corrupt) {
    const content = read.contents[index];
    const key = read.keys[index - firstRow];
    if (key === undefined) await transaction.objectStore("documents").delete(id);
    else await transaction.objectStore("updates").delete(key);
    const unsent = await forgetOutboxOf(transaction, id, key);
    await transaction.objectStore("quarantine").add({ documentId: id, reason: "corrupt", content, unsent });
  }
  // What is gone from here is asked for again.
  if (read.folded.corrupt.length > 0) await forgetHave(transaction, id);
  return read.folded.corrupt.length;
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

async function readOutbox(transaction: AnyTransaction, id: ConversationId): Promise<StoredDocument["outbox"]> {
  const index = transaction.objectStore("outbox").index("documentId");
  const keys = await index.getAllKeys(id);
  const rows = keys.length > 0 ? await index.getAll(id) : [];
  const updates = transaction.objectStore("updates");
  return await Promise.all(
    keys.map(async (key, at) => {
      const update = rows[at]?.update;
      return { key, bytes: update === undefined ? undefined : (await updates.get(update))?.bytes };
    }),
  );
}

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
  const summaries = transaction.objectStore("summaries");
  await summaries.put(withLocal(id, await summaries.get(id), local));
}
