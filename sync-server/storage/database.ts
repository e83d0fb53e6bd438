import type { QueryExecutorProvider } from "kysely";
import type { StoredQuery } from "./prepared-query.ts";

/** One statement of a commit; with `changes`, the whole item is undone unless exactly that many rows changed. */
export interface CommitStatement {
  query: StoredQuery;
  changes?: number;
}

export type CommitFailure =
  /** a `changes` expectation or a constraint of this item did not hold; nothing of it was written */
  | "conflict"
  /** the store could not write (disk full, I/O error, locked, closed); nothing of it was written */
  | "unavailable";

export class CommitError extends Error {
  readonly failure: CommitFailure;

  constructor(failure: CommitFailure, options?: ErrorOptions) {
    super(`Commit failed: ${failure}`, options);
    this.name = "CommitError";
    this.failure = failure;
  }

  /** Whether somebody else holds the file: the same may work in a moment. */
  get busy(): boolean {
    const { cause } = this;
    return cause instanceof Error && "code" in cause && String(cause.code).startsWith("SQLITE_BUSY");
  }
}

/**
 * The only way to durable storage. SQLite lives in a worker thread behind it, so nothing here blocks the
 * event loop.
 */
export interface Database {
  /**
   * Runs reads and the rare single write; reads see every commit that was resolved. It is Kysely, but names no table:
   * every table holds what is somebody's, and is reached through the handles of `access/` or by `systemTables`.
   */
  readonly executor: QueryExecutorProvider;
  /**
   * Writes the statements of one item together or not at all. Items of many callers share one transaction
   * and one fsync (group commit); an item that conflicts does not disturb its neighbours. Items commit in
   * the order of the calls. Resolves when the item is durable; rejects with `CommitError`.
   */
  commit(statements: readonly CommitStatement[]): Promise<void>;
  /** how many items of commits wait for a transaction */
  queued(): number;
  /** Whether the store takes writes: after one that it could not do, it is tried until one succeeds. */
  writable(): Promise<boolean>;
  close(): Promise<void>;
}
