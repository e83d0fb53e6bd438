import { readFileSync } from "node:fs";
import { join } from "node:path";
import SqliteDatabase from "better-sqlite3";
import { verifyChain } from "./audit-chain.ts";
import type { AuditHead, AuditRow, ChainVerdict } from "./audit-chain.ts";

/**
 * Verifies the audit log of a data folder, without a server or beside a running one: reads one state of the file and
 * changes nothing. Throws where there is no such file, no key, or what cannot be read.
 */
export function verifyAudit(dataDir: string): ChainVerdict {
  const key = readFileSync(join(dataDir, "audit-key"), "utf8").trim();
  const sqlite = new SqliteDatabase(join(dataDir, "holdfast.sqlite"), { readonly: true });
  try {
    const head = sqlite.prepare<[], AuditHead>("select seq, hash, mac from audit_head");
    const rows = sqlite.prepare<[], AuditRow>("select * from audit order by seq");
    return sqlite.transaction(() => verifyChain(key, rows.iterate(), head.get()))();
  } finally {
    sqlite.close();
  }
}

/** The verdict for people to read. */
export function wordsOf(verdict: ChainVerdict): string {
  switch (verdict.status) {
    case "whole":
      return `${verdict.rows} rows, chain whole, head ${verdict.head}`;
    case "row-changed":
      return `Row ${verdict.seq} was changed, or is not the server's: the chain breaks there. Rows before it are whole.`;
    case "rows-missing":
      return `Missing rows: ${verdict.seq} to ${verdict.through}. Rows before them are whole.`;
    case "head-missing":
      return `The head is missing: ${verdict.rows} rows are whole, but rows after them may have been cut off.`;
    case "head-changed":
      return `The head was changed: ${verdict.rows} rows are whole, but rows after them may have been cut off.`;
    case "head-behind":
      return `The head was put back to an earlier one: it ends before row ${verdict.seq}. All rows there are, are whole.`;
  }
}
