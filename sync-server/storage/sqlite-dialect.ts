import { SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from "kysely";
import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult } from "kysely";
import { CommitError } from "./database.ts";
import { errorOf } from "./group-commit.ts";
import type { Statement, StoreAnswer } from "./sqlite-messages.ts";
import type { SqliteThread } from "./sqlite-thread.ts";
import type { Turns } from "./turns.ts";

/** A Kysely dialect whose queries run in the SQLite thread. */
export const createSqliteDialect = (thread: SqliteThread, turns: Turns): Dialect => ({
  createAdapter: () => new SqliteAdapter(),
  createDriver: () => createDriver(thread, turns),
  createIntrospector: (kysely) => new SqliteIntrospector(kysely),
  createQueryCompiler: () => new SqliteQueryCompiler(),
});

interface ThreadConnection extends DatabaseConnection {
  begin(): Promise<void>;
  end(sql: "commit" | "rollback"): Promise<void>;
}

const own = (connection: DatabaseConnection): ThreadConnection => connection as ThreadConnection;

function createDriver(thread: SqliteThread, turns: Turns): Driver {
  return {
    init: async () => undefined,
    acquireConnection: async () => createConnection(thread, turns),
    beginTransaction: (connection) => own(connection).begin(),
    commitTransaction: (connection) => own(connection).end("commit"),
    rollbackTransaction: (connection) => own(connection).end("rollback"),
    releaseConnection: async () => undefined,
    destroy: async () => undefined,
  };
}

/** All connections share the one of the thread; one in a transaction holds the turn until its end. */
function createConnection(thread: SqliteThread, turns: Turns): ThreadConnection {
  let transaction: { generation: number; free: () => void } | undefined;

  const ask = async (statement: Statement): Promise<QueryResult<unknown>> =>
    resultOf(await thread.ask({ kind: "query", sql: statement.sql, parameters: statement.parameters.map(ownBytes) }));

  async function run(statement: Statement): Promise<QueryResult<unknown>> {
    if (!transaction) return turns.pass(() => ask(statement));
    // A new thread knows nothing of the transaction, and would run the statement outside of one.
    if (transaction.generation !== thread.generation()) throw new CommitError("unavailable");
    return ask(statement);
  }

  return {
    executeQuery: async <R>(query: CompiledQuery) => (await run(query)) as QueryResult<R>,
    streamQuery() {
      throw new Error("The store does not stream queries: read in pages");
    },
    async begin() {
      const free = await turns.hold();
      try {
        await ask({ sql: "begin immediate", parameters: [] });
        transaction = { generation: thread.generation(), free };
      } catch (error) {
        free();
        throw error;
      }
    },
    async end(sql) {
      const ending = transaction;
      if (!ending) return;
      try {
        await run({ sql, parameters: [] });
      } finally {
        transaction = undefined;
        ending.free();
      }
    },
  };
}

function resultOf(answer: StoreAnswer): QueryResult<unknown> {
  if (answer.kind === "failed") throw errorOf(answer.failure);
  if (answer.kind !== "rows") throw new Error(`Unexpected answer of the store: ${answer.kind}`);
  const { rows, changes, insertId } = answer.result;
  return {
    rows,
    ...(changes !== undefined && { numAffectedRows: BigInt(changes) }),
    ...(insertId !== undefined && { insertId: BigInt(insertId) }),
  };
}

/** A view of a larger buffer would be copied to the thread with all of that buffer. */
export const ownBytes = (value: unknown): unknown =>
  value instanceof Uint8Array && value.byteLength !== value.buffer.byteLength ? new Uint8Array(value) : value;
