/** A statement ready to run: SQL text with `?` for each parameter. */
export interface Statement {
  sql: string;
  parameters: readonly unknown[];
}

/** A statement of a commit; with `changes`, its item is undone unless exactly that many rows changed. */
export interface CheckedStatement extends Statement {
  changes?: number;
}

/** What the event loop asks of the thread that owns SQLite. */
export type StoreRequest =
  | ({ kind: "query" } & Statement)
  | { kind: "commit"; items: readonly (readonly CheckedStatement[])[] }
  /** writes something and takes it back in the same transaction; answered like a commit of one item */
  | { kind: "probe" }
  | { kind: "close" };

/**
 * Why a statement failed. `conflict`: a constraint or a `changes` expectation; `unavailable`: the store could
 * not read or write; `bug`: SQL that can never work.
 */
export interface StoreFailure {
  kind: "conflict" | "unavailable" | "bug";
  /** SQLite's extended result code, e.g. `SQLITE_CONSTRAINT_UNIQUE` */
  code: string;
  message: string;
}

export interface QueryRows {
  rows: unknown[];
  /** absent for a statement that returns rows */
  changes?: number;
  insertId?: number;
}

/** One outcome for each item of a commit; `undefined` means it is durable. */
export type CommitOutcomes = (StoreFailure | undefined)[];

export type StoreAnswer =
  | { kind: "rows"; result: QueryRows }
  | { kind: "outcomes"; outcomes: CommitOutcomes }
  | { kind: "closed" }
  | { kind: "failed"; failure: StoreFailure };
