import { openDB } from "idb";
import type { DBSchema, IDBPDatabase, IDBPTransaction, StoreNames } from "idb";
import type { ConversationId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import type { QuarantinedRecord, StoreFailure, StoreHealth, SummaryRecord } from "./local-store.ts";
import type { RunCommand } from "./run-command.ts";

/** A document's folded state. */
export interface DocumentRecord {
  id: ConversationId;
  epoch: number;
  state: Uint8Array;
  /** CRC-32 of `state`, which was readable when it was written; absent in records of older versions of the app */
  checksum?: number;
}

export interface DatabaseSchema extends DBSchema {
  documents: { key: string; value: DocumentRecord };
  updates: { key: number; value: { documentId: ConversationId; bytes: Uint8Array }; indexes: { documentId: string } };
  /** one row per edit that waits for its `ack`; `update` is the row with its bytes, unless it was folded meanwhile */
  outbox: {
    key: number;
    value: { documentId: ConversationId; update: number | undefined };
    indexes: { documentId: string };
  };
  summaries: { key: string; value: SummaryRecord };
  commands: { key: string; value: RunCommand };
  meta: { key: "cursor"; value: number };
  quarantine: { key: number; value: QuarantinedRecord };
}

const DATABASE_VERSION = 1;

type Stores = StoreNames<DatabaseSchema>[];
type Mode = "readonly" | "readwrite";
export type Transaction<M extends Mode> = IDBPTransaction<DatabaseSchema, Stores, M>;

/** The connection to the database: opened when first needed, and once more when it was lost. */
export interface Database {
  health: () => StoreHealth;
  subscribe: (listener: () => void) => () => void;
  onReopened: (listener: () => void) => () => void;
  /**
   * Runs one transaction; answers what `body` answered once it is complete.
   * @param builds it adds to what is stored: it fails on a database opened anew, which may lack that
   */
  run<T, M extends Mode>(
    mode: M,
    stores: Stores,
    body: (transaction: Transaction<M>) => Promise<T>,
    durability?: IDBTransactionDurability,
    builds?: boolean,
  ): Promise<Result<T, StoreFailure>>;
  close: () => void;
}

type Connection =
  | { status: "closed"; lost: boolean }
  /** `anew`: after a loss, and nobody was told yet */
  | { status: "open"; db: Promise<IDBPDatabase<DatabaseSchema>>; anew: boolean }
  /** ended by us, or given up to a newer version of the app in another tab */
  | { status: "ended" };

/** Opens the database of this name. Answers at once; what goes wrong shows in `health()` and in each answer. */
export function openDatabase(name: string): Database {
  let connection: Connection = { status: "closed", lost: false };
  let health: StoreHealth = { type: "ok" };
  const listeners = new Set<() => void>();
  const reopenedListeners = new Set<() => void>();

  function setHealth(next: StoreHealth): void {
    if (JSON.stringify(next) === JSON.stringify(health)) return;
    health = next;
    for (const listener of listeners) listener();
  }

  function fail(reason: StoreFailure): { ok: false; failure: StoreFailure } {
    setHealth({ type: "failing", reason });
    return err(reason);
  }

  /** Whether the database that comes next may lack what the one before had. */
  const isAnother = (): boolean => (connection.status === "closed" ? connection.lost : isAnew(connection));

  function reopen(): { ok: false; failure: StoreFailure } {
    database()?.catch(() => undefined);
    return err("unavailable");
  }

  /** Reading works on a full disk too, so it proves nothing about writing. */
  function noteWorks(mode: Mode): void {
    if (mode === "readwrite" || (health.type === "failing" && health.reason !== "full")) setHealth({ type: "ok" });
  }

  function lost(): void {
    if (connection.status === "open") connection = { status: "closed", lost: true };
  }

  async function connect(): Promise<IDBPDatabase<DatabaseSchema>> {
    const db = await openDB<DatabaseSchema>(name, DATABASE_VERSION, {
      upgrade: createStores,
      blocked: () => setHealth({ type: "failing", reason: "blocked" }),
      // A newer app waits for us: step aside, and say so.
      blocking: () => {
        connection = { status: "ended" };
        setHealth({ type: "failing", reason: "blocked" });
        void opened.then((one) => one.close());
      },
      terminated: lost,
    });
    if (health.type === "failing" && health.reason === "blocked") setHealth({ type: "ok" });
    return db;
  }

  let opened: Promise<IDBPDatabase<DatabaseSchema>>;
  function database(): Promise<IDBPDatabase<DatabaseSchema>> | undefined {
    if (connection.status === "ended") return undefined;
    if (connection.status === "open") return connection.db;
    const wasLost = connection.lost;
    opened = connect();
    const own = { status: "open" as const, db: opened, anew: wasLost };
    connection = own;
    opened.then(
      () => {
        own.anew = false;
        return wasLost ? reopenedListeners.forEach((listener) => listener()) : undefined;
      },
      () => (connection = { status: "closed", lost: wasLost }),
    );
    return opened;
  }

  async function attempt<T, M extends Mode>(
    mode: M,
    stores: Stores,
    body: (transaction: Transaction<M>) => Promise<T>,
    durability: IDBTransactionDurability,
  ): Promise<T> {
    const db = await database();
    if (db === undefined) throw new DOMException("given up", "VersionError");
    const transaction = db.transaction(stores, mode, { durability });
    const done = transaction.done;
    try {
      const [value] = await Promise.all([body(transaction), done]);
      return value;
    } catch (error) {
      await abortQuietly(transaction, done);
      throw transaction.error ?? error;
    }
  }

  return {
    health: () => health,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onReopened(listener) {
      reopenedListeners.add(listener);
      return () => reopenedListeners.delete(listener);
    },
    async run(mode, stores, body, durability = "relaxed", builds = false) {
      for (let tries = 0; ; tries++) {
        if (builds && isAnother()) return reopen();
        try {
          const value = await attempt(mode, stores, body, durability);
          noteWorks(mode);
          return ok(value);
        } catch (error) {
          // A connection the browser closed gives InvalidStateError, or AbortError in the middle of a transaction.
          const failureName = nameOf(error);
          if (failureName === "InvalidStateError") lost();
          if (tries === 0 && connection.status === "closed" && connection.lost) continue;
          return fail(failureOf(failureName));
        }
      }
    },
    close() {
      if (connection.status === "open") connection.db.then((db) => db.close()).catch(() => undefined);
      connection = { status: "ended" };
    },
  };
}

const isAnew = (connection: Connection): boolean => connection.status === "open" && connection.anew;

function createStores(db: IDBPDatabase<DatabaseSchema>): void {
  db.createObjectStore("documents", { keyPath: "id" });
  db.createObjectStore("updates", { autoIncrement: true }).createIndex("documentId", "documentId");
  db.createObjectStore("outbox", { autoIncrement: true }).createIndex("documentId", "documentId");
  db.createObjectStore("summaries", { keyPath: "id" });
  db.createObjectStore("commands", { keyPath: "runId" });
  db.createObjectStore("meta");
  db.createObjectStore("quarantine", { autoIncrement: true });
}

/** Leaves nothing of a transaction whose body failed, so that it is all or nothing. */
async function abortQuietly(transaction: { abort(): void }, done: Promise<void>): Promise<void> {
  try {
    transaction.abort();
  } catch {
    // It had ended already, by the failure that brought us here.
  }
  await done.catch(() => undefined);
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : "");

function failureOf(name: string): StoreFailure {
  if (name === "QuotaExceededError") return "full";
  return name === "VersionError" ? "blocked" : "unavailable";
}
