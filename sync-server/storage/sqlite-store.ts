import SqliteDatabase from "better-sqlite3";
import type {
  CheckedStatement,
  CommitOutcomes,
  QueryRows,
  Statement,
  StoreAnswer,
  StoreFailure,
  StoreRequest,
} from "./sqlite-messages.ts";

/** How many prepared statements are kept; the least recently used goes first. */
const KEPT_STATEMENTS = 300;

/**
 * SQLite moves its log into the file once it has so many pages (16 MB), and the commit that finds it so long waits. At
 * SQLite's own 1,000 it is every fiftieth commit of a busy server, and decides the 99th percentile.
 */
const CHECKPOINT_PAGES = 4_000;

/** How long a server that starts waits for one that is leaving. */
const LEAVING_MS = 5000;
/** How long a write waits for somebody else's lock; whatever comes after it, reads too, waits with it. */
const BUSY_MS = 2000;
/** Once a lock has outlasted that, further writes ask this briefly until it is gone: full waits would add up. */
const STILL_BUSY_MS = 50;

/** More than the room that a full disk may have left here and there; `secure_delete` writes it twice. */
const PROBE = "create table probe (bytes blob); insert into probe values (zeroblob(65536)); drop table probe";

export interface StoreOptions {
  file: string;
  /** refuses to open while another process has the file open with this set */
  exclusive: boolean;
}

/**
 * Opens a SQLite file for one writer and answers requests synchronously; runs in a thread of its own.
 * An acknowledged commit survives loss of power: WAL with `synchronous = FULL`. Deleted content is
 * overwritten (`secure_delete`).
 */
export function openSqliteStore({ file, exclusive }: StoreOptions) {
  const lock = exclusive ? takeLock(`${file}.lock`) : undefined;
  const sqlite = new SqliteDatabase(file, { timeout: BUSY_MS });
  sqlite.pragma("journal_mode = WAL");
  sqlite.pragma("synchronous = FULL");
  sqlite.pragma("foreign_keys = ON");
  sqlite.pragma("secure_delete = ON");
  sqlite.pragma("journal_size_limit = 67108864");
  sqlite.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  let waitMs = BUSY_MS;
  const statements = new Map<string, SqliteDatabase.Statement>();
  const begin = sqlite.prepare("begin immediate");
  const end = sqlite.prepare("commit");
  const rollback = sqlite.prepare("rollback");
  const save = sqlite.prepare("savepoint item");
  const undo = sqlite.prepare("rollback to item");
  const release = sqlite.prepare("release item");
  const lastChanges = sqlite.prepare("select changes()").pluck();

  function prepared(sql: string): SqliteDatabase.Statement {
    const statement = statements.get(sql) ?? sqlite.prepare(sql);
    statements.delete(sql);
    statements.set(sql, statement);
    const [oldest] = statements.keys();
    if (statements.size > KEPT_STATEMENTS && oldest !== undefined) statements.delete(oldest);
    return statement;
  }

  /** Runs what writes, and remembers whether somebody else holds the file. */
  function writing(work: () => StoreFailure | undefined): StoreFailure | undefined {
    const failure = attempt(work);
    const next = failure?.code.startsWith("SQLITE_BUSY") === true ? STILL_BUSY_MS : BUSY_MS;
    if (next !== waitMs) sqlite.pragma(`busy_timeout = ${next}`);
    waitMs = next;
    return failure;
  }

  function query({ sql, parameters }: Statement): QueryRows {
    const statement = prepared(sql);
    if (statement.reader) return { rows: statement.all(parameters) };
    const { changes, lastInsertRowid } = statement.run(parameters);
    return { rows: [], changes, insertId: Number(lastInsertRowid) };
  }

  function runItem(item: readonly CheckedStatement[]): StoreFailure | undefined {
    for (const statement of item) {
      const changes = query(statement).changes ?? Number(lastChanges.get());
      if (statement.changes !== undefined && changes !== statement.changes)
        return { kind: "conflict", code: "CHANGES", message: `${changes} rows changed, not ${statement.changes}` };
    }
    return undefined;
  }

  /** Runs one item in a savepoint. Throws where the whole transaction is lost. */
  function tryItem(item: readonly CheckedStatement[]): StoreFailure | undefined {
    save.run();
    const failure = attempt(() => runItem(item));
    // Some errors (disk full, I/O) end the transaction by themselves: nothing of any item is left then.
    if (failure?.kind === "unavailable" || !sqlite.inTransaction) throw new TransactionLost(failure);
    if (failure) undo.run();
    release.run();
    return failure;
  }

  /** Runs work in one transaction; answers why nothing of it was written. */
  function transact(work: () => void): StoreFailure | undefined {
    const lost = writing(() => {
      begin.run();
      work();
      end.run();
      return undefined;
    });
    if (lost && sqlite.inTransaction) rollback.run();
    return lost;
  }

  function commit(items: readonly (readonly CheckedStatement[])[]): CommitOutcomes {
    let outcomes: CommitOutcomes = [];
    const lost = transact(() => (outcomes = items.map(tryItem)));
    return lost ? items.map(() => lost) : outcomes;
  }

  const isReading = (sql: string): boolean => attempt(() => void prepared(sql)) === undefined && prepared(sql).readonly;

  return {
    answer(request: StoreRequest): StoreAnswer {
      let answer: StoreAnswer = { kind: "closed" };
      const isWrite = request.kind === "query" && !isReading(request.sql);
      const failure = (isWrite ? writing : attempt)(() => {
        switch (request.kind) {
          case "query":
            answer = { kind: "rows", result: query(request) };
            return undefined;
          case "commit":
            answer = { kind: "outcomes", outcomes: commit(request.items) };
            return undefined;
          case "probe":
            answer = { kind: "outcomes", outcomes: [transact(() => sqlite.exec(PROBE))] };
            return undefined;
          case "close":
            sqlite.close();
            lock?.close();
            return undefined;
        }
      });
      return failure ? { kind: "failed", failure } : answer;
    },
  };
}

/** Holds a lock that the system takes back however the process ends, and waits briefly for one who is leaving. */
function takeLock(file: string): SqliteDatabase.Database {
  const lock = new SqliteDatabase(file, { timeout: LEAVING_MS });
  try {
    lock.exec("begin exclusive");
    return lock;
  } catch (error) {
    lock.close();
    if (failureOf(error).code === "SQLITE_BUSY")
      throw new Error("another Holdfast server is using it", { cause: error });
    throw error;
  }
}

class TransactionLost extends Error {
  readonly failure: StoreFailure;

  constructor(failure: StoreFailure | undefined) {
    super("The transaction ended by itself");
    this.failure = { kind: "unavailable", code: failure?.code ?? "LOST", message: failure?.message ?? this.message };
  }
}

function attempt(work: () => StoreFailure | undefined): StoreFailure | undefined {
  try {
    return work();
  } catch (error) {
    return error instanceof TransactionLost ? error.failure : failureOf(error);
  }
}

const UNAVAILABLE = /^SQLITE_(FULL|IOERR|BUSY|LOCKED|READONLY|CANTOPEN|CORRUPT|NOTADB|NOMEM|PROTOCOL|PERM|AUTH)/;

/** Sorts an error of SQLite into what a caller can do about it. */
export function failureOf(error: unknown): StoreFailure {
  if (!(error instanceof SqliteDatabase.SqliteError))
    return { kind: "bug", code: "NOT_SQLITE", message: error instanceof Error ? error.message : String(error) };
  const { code, message } = error;
  if (code.startsWith("SQLITE_CONSTRAINT")) return { kind: "conflict", code, message };
  return { kind: UNAVAILABLE.test(code) ? "unavailable" : "bug", code, message };
}
