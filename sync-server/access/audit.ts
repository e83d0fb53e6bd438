import type { AuditEntry } from "#shared/domain/audit.ts";
import type { Database } from "#server/storage/database.ts";
import { parseAuditEntry } from "./audit-entry.ts";
import { createAuditWriter } from "./audit-writer.ts";
import type { StampedEntry } from "./audit-writer.ts";

/** How many entries one commit takes. */
const AT_ONCE = 200;
/** How many may wait for the store: some MB, and far more than the busiest second of a server. */
const MOST_WAITING = 10_000;
/** When it is tried again after a failure. */
const RETRY_MS = 1_000;

export interface AuditParts {
  database: Database;
  /** signs the chain; it is not in the database */
  key: string;
  /** `now`: ms since 1970; `after` answers how to cancel */
  clock: { now(): number; after(ms: number, run: () => void): () => void };
  log: { info(facts: object, message: string): void; error(facts: object, message: string): void };
}

export interface Audit {
  /**
   * Writes an entry down, with the time of the call. Resolves to whether it is durable: `false` where the store did not
   * take it yet, which is tried until it does, and where it was not kept, which is logged. Never rejects.
   */
  record(entry: AuditEntry): Promise<boolean>;
  /** Tries to store everything that waits, now. */
  flush(): Promise<void>;
  /** Takes no more and stores what waits; what cannot be stored is lost and logged. */
  close(): Promise<void>;
}

interface Waiting extends StampedEntry {
  tell: (durable: boolean) => void;
}

/**
 * The audit log: what was done to accounts, workspaces and tokens, and what was refused, in one chain of rows that cannot
 * be changed unnoticed. Entries are stored in the order of the calls, many of them in one commit.
 */
export function openAudit({ database, key, clock, log }: AuditParts): Audit {
  const writer = createAuditWriter({
    database,
    key,
    onChanged: (facts) => log.error(facts, "the audit log was changed from outside; `npm run audit:verify` says where"),
  });
  const waiting: Waiting[] = [];
  let overflowed = 0;
  let failing = false;
  let closed = false;
  let writing: Promise<void> | undefined;
  let cancelRetry: (() => void) | undefined;

  async function writeWaiting(): Promise<void> {
    while (waiting.length > 0 && (await writeSome()));
    writing = undefined;
  }

  /** Stores the first of those that wait; answers whether the store took them. */
  async function writeSome(): Promise<boolean> {
    try {
      const count = await writer.append(waiting.slice(0, AT_ONCE));
      for (const { tell } of waiting.splice(0, count)) tell(true);
      if (failing) log.info({ waiting: waiting.length }, "the audit log can be written again");
      failing = false;
      return true;
    } catch (error) {
      if (!failing) log.error({ err: error, waiting: waiting.length }, "the audit log could not be written");
      failing = true;
      for (const { tell } of waiting) tell(false);
      if (!closed) cancelRetry = clock.after(RETRY_MS, start);
      return false;
    } finally {
      tellOverflow();
    }
  }

  function tellOverflow(): void {
    if (overflowed > 0) log.error({ entries: overflowed }, "too many audit entries waited, and these are lost");
    overflowed = 0;
  }

  function start(): void {
    cancelRetry?.();
    cancelRetry = undefined;
    if (waiting.length > 0) writing ??= writeWaiting();
  }

  async function flush(): Promise<void> {
    start();
    await writing;
  }

  function refuse(facts: object, message: string): Promise<boolean> {
    log.error(facts, message);
    return Promise.resolve(false);
  }

  return {
    record(entry) {
      const parsed = parseAuditEntry(entry);
      if (!parsed.ok) return refuse({ wrong: parsed.failure }, "a malformed audit entry was not kept");
      const { action, outcome } = parsed.value;
      if (closed) return refuse({ action, outcome }, "an audit entry came after the end and was not kept");
      if (waiting.length >= MOST_WAITING) {
        overflowed += 1;
        return Promise.resolve(false);
      }
      return new Promise((tell) => {
        waiting.push({ at: clock.now(), entry: parsed.value, tell });
        // While the store fails, the retry takes it along.
        if (!cancelRetry) start();
      });
    },
    flush,
    async close() {
      closed = true;
      await flush();
      if (waiting.length > 0) log.error({ entries: waiting.length }, "audit entries could not be stored and are lost");
    },
  };
}
