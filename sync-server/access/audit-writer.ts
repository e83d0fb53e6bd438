import { sql } from "kysely";
import type { AuditEntry } from "#shared/domain/audit.ts";
import { canonicalJson } from "#shared/lib/canonical-json.ts";
import { CommitError } from "#server/storage/database.ts";
import type { CommitStatement, Database } from "#server/storage/database.ts";
import { systemTables } from "#server/storage/system-tables.ts";
import { prepareQuery } from "#server/storage/prepared-query.ts";
import { CHAIN_START, chainRows, headAt, nextEnd } from "./audit-chain.ts";
import type { AuditHead, AuditRow, ChainEnd } from "./audit-chain.ts";

/** How often in a row another writer may be faster before it counts as a failure. */
const MOST_CONFLICTS = 20;

export interface StampedEntry {
  at: number;
  entry: AuditEntry;
}

export interface AuditWriter {
  /**
   * Appends to the chain, durably; answers how many, from the first on. Rejects where nothing is known to be stored; then
   * the same entries, and any others behind them, are handed in again. One call at a time.
   */
  append(entries: readonly StampedEntry[]): Promise<number>;
}

interface WriterParts {
  database: Database;
  key: string;
  /** Told where the log was changed from outside. */
  onChanged(facts: { seq: number }): void;
}

type ChainTables = ReturnType<typeof chainTables>;

const chainTables = (database: Database) => systemTables<"audit" | "audit_head">(database);

/** Where to go on, and what the head has to be for it: another writer changes it in the same commit as the rows. */
interface Place {
  end: ChainEnd;
  mac: string | undefined;
}

/** Writes the one chain of the audit log. Several writers, in any number of processes, share it without a fork. */
export function createAuditWriter({ database, key, onChanged }: WriterParts): AuditWriter {
  let known = CHAIN_START;
  let place: Place | undefined;
  /** rows of a commit that failed: a store that breaks down may have written them all the same */
  let unsure: readonly AuditRow[] = [];

  async function findPlace(): Promise<Place> {
    const { head, last } = await readEnds(database);
    const { end, intact } = nextEnd(key, { known, head, last });
    if (intact) known = end;
    else onChanged({ seq: end.seq });
    return { end, mac: head?.mac };
  }

  async function isStored(rows: readonly AuditRow[]): Promise<boolean> {
    const last = rows.at(-1);
    if (!last) return false;
    const query = chainTables(database)
      .selectFrom("audit")
      .select("seq")
      .where("seq", "=", last.seq)
      .where("hash", "=", last.hash);
    return (await query.executeTakeFirst()) !== undefined;
  }

  async function write(entries: readonly StampedEntry[]): Promise<void> {
    const { end, mac } = (place ??= await findPlace());
    const rows = chainRows(key, end, entries.map(contentOf));
    const head = headAt(key, rows.at(-1) ?? end);
    unsure = rows;
    place = undefined;
    await database.commit(appendStatements(database, rows, head, mac));
    place = { end: head, mac: head.mac };
    known = head;
    unsure = [];
  }

  return {
    async append(entries) {
      const stored = (await isStored(unsure)) ? unsure.length : 0;
      unsure = [];
      if (stored > 0) return stored;
      for (let conflicts = 0; ; conflicts += 1)
        try {
          await write(entries);
          return entries.length;
        } catch (error) {
          const isConflict = error instanceof CommitError && error.failure === "conflict";
          if (!isConflict || conflicts >= MOST_CONFLICTS) throw error;
        }
    },
  };
}

function contentOf({ at, entry: { accountId, workspaceId, ...entry } }: StampedEntry): Omit<AuditRow, "seq" | "hash"> {
  return { at, workspace_id: workspaceId ?? null, account_id: accountId ?? null, entry: canonicalJson(entry) };
}

/** Head and last row by one statement: between two of them another writer could append. */
async function readEnds(database: Database): Promise<{ head: AuditHead | undefined; last: ChainEnd }> {
  const { rows } = await sql<Ends>`
    select head.seq, head.hash, head.mac, last.seq as lastSeq, last.hash as lastHash
    from (select 1) left join audit_head as head on head.id = 1
    left join (select seq, hash from audit order by seq desc limit 1) as last on true
  `.execute(chainTables(database));
  const { seq, hash, mac, lastSeq, lastHash } = rows[0] ?? NO_ENDS;
  return {
    head: seq === null ? undefined : { seq, hash, mac },
    last: lastSeq === null ? CHAIN_START : { seq: lastSeq, hash: lastHash },
  };
}

const NO_ENDS = { seq: null, hash: null, mac: null, lastSeq: null, lastHash: null };
type Nullable<T> = { [Key in keyof T]: null };
type Last = { lastSeq: number; lastHash: string };
type Ends = (AuditHead | Nullable<AuditHead>) & (Last | Nullable<Last>);

const insertRow = prepareQuery<ChainTables, AuditRow & Record<string, unknown>>((db, value) =>
  db.insertInto("audit").values({
    seq: value("seq"),
    at: value("at"),
    workspace_id: value("workspace_id"),
    account_id: value("account_id"),
    entry: value("entry"),
    hash: value("hash"),
  }),
);

/** All or nothing: a row that is there already, or a head that is not the expected one, is a conflict. */
function appendStatements(
  database: Database,
  rows: readonly AuditRow[],
  head: AuditHead,
  macBefore: string | undefined,
): CommitStatement[] {
  const kysely = chainTables(database);
  const setHead = kysely
    .insertInto("audit_head")
    .values({ id: 1, ...head })
    .onConflict((on) =>
      on
        .column("id")
        .doUpdateSet(head)
        .where("audit_head.mac", "=", macBefore ?? ""),
    )
    .compile();
  return [...rows.map((row) => ({ query: insertRow(kysely, { ...row }) })), { query: setHead, changes: 1 }];
}
