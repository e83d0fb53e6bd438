import { openDB } from "idb";
import type { DBSchema, IDBPDatabase, IDBPTransaction, OpenDBCallbacks, StoreNames } from "idb";
import type { Clock } from "#client/platform/platform.ts";
import type { FrozenMessage } from "#shared/domain/frozen-content.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/lib/result.ts";
import type { Result } from "#shared/lib/result.ts";
import { createLateAnswers } from "./late-answers.ts";
import type { ListPlace, QuarantinedRecord, StoreFailure, StoreHealth, SummaryRecord } from "./local-store.ts";
import type { RunCommand } from "./run-command.ts";
import type { SnapshotCommand, SnapshotRecord } from "./snapshot-record.ts";
import { placeSummaries } from "./summary-records.ts";

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
  summaries: {
    key: string;
    value: SummaryRecord & { listed?: ListPlace | undefined };
    indexes: { listed: ListPlace };
  };
  commands: { key: string; value: RunCommand };
  /**
   * `forgotten`: ids of deleted conversations of which this browser may keep something elsewhere; `moving`: what is here
   * of a conversation that is on its way from another database
   */
  meta: { key: "cursor" | "forgotten" | "moving" | "snapshotsLost"; value: unknown };
  quarantine: { key: number; value: QuarantinedRecord };
  snapshots: {
    key: string;
    value: SnapshotRecord & { listed: number };
    indexes: { conversationId: string; listed: number };
  };
  /** by conversation and hash; written once, since what has another content has another hash */
  frozenMessages: { key: [conversationId: string, hash: string]; value: FrozenMessage };
  snapshotCommands: { key: number; value: SnapshotCommand; indexes: { refused: string } };
  /** up to which place of a conversation's frozen messages they were pulled */
  frozenSeries: { key: string; value: number };
}

/** 2: summaries are indexed by their place in the list; 3: snapshots */
export const DATABASE_VERSION = 3;
/** ms after which a database that does not open is worked without; its late answer is taken all the same */
const OPENING_MS = 5_000;
/** ms until a database that the browser closed is opened again, by itself */
const REOPEN_MS = 200;

type Stores = StoreNames<DatabaseSchema>[];
type Mode = "readonly" | "readwrite";
export type Transaction<M extends Mode> = IDBPTransaction<DatabaseSchema, Stores, M>;

/** The connection to the database: opened when first needed, and again when it was lost. */
export interface Database {
  health: () => StoreHealth;
  subscribe: (listener: () => void) => () => void;
  onReopened: (listener: () => void) => () => void;
  onFound: (listener: () => void) => () => void;
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

const never = (): (() => void) => () => undefined;

/** In place of one on a shared device. */
export const noDatabase: Database = {
  health: () => ({ type: "none" }),
  subscribe: never,
  onReopened: never,
  onFound: never,
  run: async () => err("unavailable"),
  close: () => undefined,
};

type Opened = IDBPDatabase<DatabaseSchema>;
export type Upgrade = IDBPTransaction<DatabaseSchema, Stores, "versionchange">;

interface Refusal {
  ok: false;
  failure: StoreFailure;
}

interface OpenConnection {
  status: "open";
  db: Promise<Opened>;
  /** the same as a result, which goes before a refusal once it is there */
  found: Promise<{ ok: true; value: Opened }>;
  /** answers why there is no point in waiting for the database any longer; that it opens is still waited for */
  refusal: Promise<Refusal>;
  /** opened after a loss, and nobody was told yet */
  anew: boolean;
}

type Connection =
  | { status: "closed"; lost: boolean }
  | OpenConnection
  /** ended by us, or given up to a newer version of the app in another tab */
  | { status: "ended" };

/**
 * Opens the database of this name. Answers at once; what goes wrong shows in `health()` and in each answer.
 * @param clock without one, a database that neither opens nor fails is waited for
 */
export function openDatabase(name: string, clock?: Pick<Clock, "after">): Database {
  let connection: Connection = { status: "closed", lost: false };
  let health: StoreHealth = { type: "ok" };
  /** somebody was told that there is no database */
  let missed = false;
  const listeners = new Set<() => void>();
  const reopenedListeners = new Set<() => void>();
  const foundListeners = new Set<() => void>();

  function setHealth(next: StoreHealth): void {
    if (JSON.stringify(next) === JSON.stringify(health)) return;
    health = next;
    for (const listener of listeners) listener();
  }

  function fail(reason: StoreFailure): Refusal {
    setHealth({ type: "failing", reason });
    return err(reason);
  }

  /** Whether the database that comes next may lack what the one before had. */
  const isAnother = (): boolean => (connection.status === "closed" ? connection.lost : isAnew(connection));

  function reopen(): Refusal {
    database();
    return err("unavailable");
  }

  /** Reading works on a full disk too, so it proves nothing about writing. */
  function noteWorks(mode: Mode): void {
    if (mode === "readwrite" || (health.type === "failing" && health.reason !== "full")) setHealth({ type: "ok" });
  }

  function lost(): void {
    if (connection.status === "open") connection = { status: "closed", lost: true };
  }

  /** A newer app waits for us, or somebody deletes the database: step aside, and say so. */
  function stepAside(): void {
    if (connection.status === "open") void connection.db.then((db) => db.close());
    connection = { status: "ended" };
    setHealth({ type: "failing", reason: "superseded" });
  }

  async function connect(refuse: (reason: StoreFailure) => void): Promise<Opened> {
    const stopWaiting = clock?.after(OPENING_MS, () => refuse("silent"));
    const watched: OpenDBCallbacks<DatabaseSchema> = {
      upgrade: createStores,
      blocked: () => refuse("blocked"),
      blocking: stepAside,
      terminated() {
        lost();
        clock?.after(REOPEN_MS, () => void (connection.status === "closed" && database()));
      },
    };
    try {
      return await openDB<DatabaseSchema>(name, DATABASE_VERSION, watched);
    } catch (error) {
      // A full disk has no room for what a new version adds; what is stored can be read all the same.
      if (!["AbortError", "QuotaExceededError"].includes(nameOf(error))) throw error;
      return await openDB<DatabaseSchema>(name, undefined, watched);
    } finally {
      stopWaiting?.();
    }
  }

  function database(): OpenConnection | undefined {
    if (connection.status === "ended") return undefined;
    if (connection.status === "open") return connection;
    const wasLost = connection.lost;
    const own = openConnection(wasLost);
    connection = own;
    own.found.then(
      () => onOpened(own, wasLost),
      () => {
        missed = true;
        if (connection === own) connection = { status: "closed", lost: wasLost };
      },
    );
    return own;
  }

  function openConnection(anew: boolean): OpenConnection {
    const wait: { end?: (refusal: Refusal) => void } = {};
    const refusal = new Promise<Refusal>((resolve) => (wait.end = resolve));
    const db = connect((reason) => {
      missed = true;
      wait.end?.(fail(reason));
    });
    return { status: "open", db, found: db.then(ok), refusal, anew };
  }

  function onOpened(own: OpenConnection, wasLost: boolean): void {
    own.anew = false;
    if (connection !== own) return;
    if (wasLost) for (const listener of reopenedListeners) listener();
    if (missed) tellFound();
  }

  function tellFound(): void {
    if (connection.status === "ended") return;
    missed = false;
    if (health.type === "failing" && health.reason !== "full") setHealth({ type: "ok" });
    for (const listener of foundListeners) listener();
  }

  const withinTime = createLateAnswers(clock, tellFound);

  async function attempt<T, M extends Mode>(
    mode: M,
    stores: Stores,
    body: (transaction: Transaction<M>) => Promise<T>,
    durability: IDBTransactionDurability,
  ): Promise<Result<T, StoreFailure>> {
    const open = database();
    if (open === undefined) return err("superseded");
    const found = await Promise.race([open.found, open.refusal]);
    if (!found.ok) return found;
    // On a device without any room, what a later version adds could not be made.
    const there = stores.filter((store) => found.value.objectStoreNames.contains(store));
    const transaction = found.value.transaction(there, mode, { durability });
    const done = transaction.done;
    try {
      const [value] = await Promise.all([body(transaction), done]);
      return ok(value);
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
    onFound(listener) {
      foundListeners.add(listener);
      return () => foundListeners.delete(listener);
    },
    async run(mode, stores, body, durability = "relaxed", builds = false) {
      for (let tries = 0; ; tries++) {
        if (builds && isAnother()) return reopen();
        try {
          const result = await withinTime(attempt(mode, stores, body, durability));
          if (!result.ok) return fail(result.failure);
          noteWorks(mode);
          return result;
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

/** Creates what is missing, whichever version of the app made the rest. */
function createStores(db: Opened, from: number, _to: number | null, upgrade: Upgrade): void {
  upgrade.done.catch(toldByOpening);
  const missing = (store: StoreNames<DatabaseSchema>): boolean => !db.objectStoreNames.contains(store);
  if (missing("documents")) db.createObjectStore("documents", { keyPath: "id" });
  if (missing("updates")) db.createObjectStore("updates", ROWS).createIndex("documentId", "documentId");
  if (missing("outbox")) db.createObjectStore("outbox", ROWS).createIndex("documentId", "documentId");
  if (missing("summaries")) db.createObjectStore("summaries", { keyPath: "id" });
  const summaries = upgrade.objectStore("summaries");
  if (!summaries.indexNames.contains("listed")) summaries.createIndex("listed", "listed");
  if (missing("commands")) db.createObjectStore("commands", { keyPath: "runId" });
  if (missing("meta")) db.createObjectStore("meta");
  if (missing("quarantine")) db.createObjectStore("quarantine", ROWS);
  createSnapshotStores(db, missing);
  if (from === 1) placeSummaries(upgrade).catch(toldByOpening);
}

function createSnapshotStores(db: Opened, missing: (store: StoreNames<DatabaseSchema>) => boolean): void {
  if (missing("snapshots")) {
    const snapshots = db.createObjectStore("snapshots", { keyPath: "id" });
    snapshots.createIndex("conversationId", "conversationId");
    snapshots.createIndex("listed", "listed");
  }
  if (missing("frozenMessages")) db.createObjectStore("frozenMessages");
  if (missing("snapshotCommands")) db.createObjectStore("snapshotCommands", ROWS).createIndex("refused", "refused");
  if (missing("frozenSeries")) db.createObjectStore("frozenSeries");
}

const ROWS = { autoIncrement: true };

/** What fails in an upgrade fails the opening too, which says so. */
const toldByOpening = (): void => undefined;

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
  // What is not found could not be made for want of room.
  if (name === "QuotaExceededError" || name === "NotFoundError") return "full";
  return name === "VersionError" ? "newer" : "unavailable";
}
