import { createHmac } from "node:crypto";
import type { Selectable } from "kysely";
import { canonicalJson } from "#shared/lib/canonical-json.ts";
import type { AuditHeadTable, AuditTable } from "#server/storage/schema.ts";

// Each row's hash covers the row and the hash before it, under a key that is not in the database: whoever changes,
// adds, moves or drops a row cannot make the later hashes fit (B. Schneier and J. Kelsey, "Secure Audit Logs to Support
// Computer Forensics", 1999). Rows cut off at the end are missed by the head, which says where the chain ends.

export type AuditRow = Selectable<AuditTable>;
export type AuditHead = Omit<Selectable<AuditHeadTable>, "id">;

/** The last row of a chain. */
export interface ChainEnd {
  seq: number;
  hash: string;
}

/** Where an empty chain ends. It needs no head. */
export const CHAIN_START: ChainEnd = { seq: 0, hash: "0".repeat(64) };

const hmac = (key: string, text: string): string => createHmac("sha256", key).update(text).digest("hex");

function hashOf(key: string, before: string, { seq, at, workspace_id, account_id, entry }: Omit<AuditRow, "hash">) {
  // JSON has no word for a time that is none, which only somebody else can have written.
  const time = Number.isFinite(at) ? at : String(at);
  return hmac(key, before + canonicalJson({ seq, at: time, workspace_id, account_id, entry }));
}

/** The rows that follow the end of a chain. */
export function chainRows(key: string, end: ChainEnd, contents: readonly Omit<AuditRow, "seq" | "hash">[]): AuditRow[] {
  let { seq, hash } = end;
  return contents.map((content) => {
    seq += 1;
    const row = { ...content, seq };
    hash = hashOf(key, hash, row);
    return { ...row, hash };
  });
}

/** What says for later that the chain ends here. A row's hash never starts with `head`, so neither passes for the other. */
export const headAt = (key: string, { seq, hash }: ChainEnd): AuditHead => ({
  seq,
  hash,
  mac: hmac(key, `head${seq}${hash}`),
});

/** Where the head says that the chain ends; `undefined` for one that the key did not make. */
function endBy(key: string, head: AuditHead | undefined): ChainEnd | undefined {
  if (!head) return CHAIN_START;
  const { seq, hash, mac } = head;
  return mac === headAt(key, head).mac ? { seq, hash } : undefined;
}

const isSameEnd = (a: ChainEnd, b: ChainEnd): boolean => a.seq === b.seq && a.hash === b.hash;

/**
 * Where a writer goes on. Where head, last row and what the writer knows do not agree, somebody changed the log from
 * outside: then a number is left out, so that going on never mends what they broke.
 * @param known the end this process wrote or found last
 */
export function nextEnd(
  key: string,
  { known, head, last }: { known: ChainEnd; head: AuditHead | undefined; last: ChainEnd },
): { end: ChainEnd; intact: boolean } {
  const told = endBy(key, head);
  const end = told && told.seq >= known.seq ? told : known;
  const intact = told !== undefined && isSameEnd(end, told) && isSameEnd(end, last);
  return { intact, end: intact ? end : { seq: Math.max(end.seq, last.seq) + 1, hash: end.hash } };
}

export type ChainVerdict =
  | { status: "whole"; rows: number; head: string }
  /** the row was changed, or put there by somebody else; those before it are as they were */
  | { status: "row-changed"; seq: number }
  /** the rows from `seq` up to `through` are gone from the middle, or from the end */
  | { status: "rows-missing"; seq: number; through: number }
  /** the rows are whole, but nothing, or something false, says where they end */
  | { status: "head-missing" | "head-changed"; rows: number }
  /** the head was put back to an earlier one: rows from `seq` on come after it */
  | { status: "head-behind"; seq: number };

/**
 * Whether the log is as it was written; the first place where it is not.
 * @param rows all of them, by rising `seq`
 */
export function verifyChain(key: string, rows: Iterable<AuditRow>, head: AuditHead | undefined): ChainVerdict {
  let last = CHAIN_START;
  for (const row of rows) {
    const { seq, hash } = row;
    if (seq > last.seq + 1) return { status: "rows-missing", seq: last.seq + 1, through: seq - 1 };
    if (seq <= last.seq || hash !== hashOf(key, last.hash, row)) return { status: "row-changed", seq };
    last = { seq, hash };
  }
  return compareHead(last, head, endBy(key, head));
}

function compareHead(last: ChainEnd, head: AuditHead | undefined, told: ChainEnd | undefined): ChainVerdict {
  const rows = last.seq;
  if (!head && rows > 0) return { status: "head-missing", rows };
  if (!told) return { status: "head-changed", rows };
  if (told.seq > rows) return { status: "rows-missing", seq: rows + 1, through: told.seq };
  if (told.seq < rows) return { status: "head-behind", seq: told.seq + 1 };
  return told.hash === last.hash ? { status: "whole", rows, head: last.hash } : { status: "head-changed", rows };
}
