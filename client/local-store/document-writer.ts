import * as Y from "yjs";
import type { Clock } from "#client/platform/platform.ts";
import type { ConversationId } from "#shared/domain/ids.ts";
import type { LocalStore, LocalSummary, StoreFailure } from "./local-store.ts";
import type { RunCommand } from "./run-command.ts";

/** What comes from others is stored at most this often, in ms. What is made here is stored at once, write after write. */
export const COALESCE_MS = 250;
const RETRY_BASE_MS = 1_000;
const RETRY_CAP_MS = 15_000;
const ROWS_UNTIL_COMPACTION = 200;

/** What the writer asks its document and tells it. */
export interface WriterHost {
  id: ConversationId;
  epoch(): number;
  /** everything the document holds */
  state(): Uint8Array;
  summary(): LocalSummary["summary"];
  /** edits of this tab are stored; other tabs may want them */
  stored(update: Uint8Array | undefined): void;
  /** the server has every edit, and this is what it has */
  acknowledged(summary: LocalSummary): void;
  /** rows left the outbox */
  settled(): void;
  commandStored(command: RunCommand): void;
  /** whether a command still has to be kept */
  wanted(command: RunCommand): boolean;
  changed(): void;
}

/**
 * Keeps one document stored: coalesces, retries, and after a failure writes the whole state. Where nothing is to be kept
 * on the device, an edit counts as stored once the server has it.
 */
export interface DocumentWriter {
  local(token: number, update: Uint8Array): void;
  remote(update: Uint8Array): void;
  /** Takes a command along with the edits before it, at once and flushed to the disk. */
  command(command: RunCommand): void;
  /** Notes an outbox row whose edit is in the document and goes out under the token `through`. */
  adopt(key: number, through: number): void;
  /** Notes that the server has every edit up to `through`. */
  acknowledged(through: number, headSeq: number): void;
  /** What is stored is not to be relied on any more. */
  rewrite(reason: "unreadable" | "reopened"): void;
  /** Stores now what waits; resolves when it was stored or failed. */
  flush(): Promise<void>;
  /** Folds rows where there are some; resolves when done. */
  compact(): Promise<void>;
  noteRows(count: number): void;
  /** whether anything is in memory only */
  unstored(): boolean;
  /** whether an edit made here is in memory only */
  unstoredEdits(): boolean;
  /** why the last write failed; absent once one worked */
  failing(): StoreFailure | undefined;
  /** outbox rows that wait for an `ack` */
  outbox(): readonly number[];
  close(): void;
}

interface Waiting {
  local: Uint8Array[];
  remote: Uint8Array[];
  commands: RunCommand[];
}

export function createDocumentWriter(host: WriterHost, store: LocalStore, clock: Clock): DocumentWriter {
  let waiting: Waiting = { local: [], remote: [], commands: [] };
  let queue: Promise<void> = Promise.resolve();
  let writing = false;
  let writingEdits = false;
  let behind = false;
  let failures = 0;
  let failing: StoreFailure | undefined;
  let lastToken = 0;
  let acknowledged = 0;
  let headSeq = 0;
  let unfoldedRows = 0;
  let rows: { key: number; through: number }[] = [];
  let cancelTimer: (() => void) | undefined;
  let cancelSettling: (() => void) | undefined;
  /** raised when the database is another one: keys of the one before may name other rows */
  let database = 0;
  const keepsNothing = store.health().type === "none";

  const anythingWaits = (): boolean =>
    behind || waiting.local.length > 0 || waiting.remote.length > 0 || waiting.commands.length > 0;

  function schedule(ms: number): void {
    cancelTimer ??= clock.after(ms, () => {
      cancelTimer = undefined;
      void flush();
    });
  }

  /** One write at a time; each takes all that waits by then. */
  function flush(): Promise<void> {
    cancelTimer?.();
    cancelTimer = undefined;
    queue = queue.then(() => (anythingWaits() ? (keepsNothing ? passOn() : write()) : undefined));
    return queue;
  }

  const localSummary = (head: number | undefined): LocalSummary => ({
    summary: host.summary(),
    changedAt: clock.now(),
    headSeq: head,
  });

  async function write(): Promise<void> {
    const taken = waiting;
    const through = lastToken;
    const whole = behind;
    const commands = taken.commands.filter((command) => host.wanted(command));
    const edited = taken.local.length > 0 || (whole && through > acknowledged);
    waiting = { local: [], remote: [], commands: [] };
    writing = true;
    writingEdits = edited;
    behind = false;
    const local = whole ? undefined : merged(taken.local);
    const result = await store.write({
      id: host.id,
      epoch: host.epoch(),
      local,
      remote: whole ? undefined : merged(taken.remote),
      state: whole ? { bytes: host.state(), pending: through > acknowledged } : undefined,
      commands,
      summary: edited ? localSummary(through > acknowledged ? undefined : headSeq) : undefined,
      strict: commands.length > 0,
    });
    writing = false;
    writingEdits = false;
    for (const command of commands) host.commandStored(command);
    if (result.ok) onWritten(result.value, through, whole ? host.state() : local, whole);
    else onFailed(result.failure, commands);
    host.changed();
    if (unfoldedRows >= ROWS_UNTIL_COMPACTION) await compact();
  }

  /** Where nothing is kept: other windows get the edits all the same, and the commands wait in this one. */
  function passOn(): void {
    const { local, commands } = waiting;
    waiting = { local: [], remote: [], commands: [] };
    behind = false;
    for (const command of commands) if (host.wanted(command)) host.commandStored(command);
    host.stored(merged(local));
    host.changed();
  }

  const onlyHere = (): boolean => keepsNothing && lastToken > acknowledged;

  function onWritten(key: number | undefined, through: number, update: Uint8Array | undefined, whole: boolean): void {
    failures = 0;
    failing = undefined;
    if (!whole) unfoldedRows++;
    if (key !== undefined) rows.push({ key, through });
    if (update) host.stored(update);
    if (through <= acknowledged) settle();
    if (waiting.local.length > 0) void flush();
    else if (anythingWaits()) schedule(COALESCE_MS);
  }

  function onFailed(failure: StoreFailure, commands: RunCommand[]): void {
    failing = failure;
    // Single rows would leave holes now: the next write that works takes everything.
    behind = true;
    waiting.commands.unshift(...commands);
    schedule(Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 2 ** Math.min(failures++, 10)));
  }

  function settle(): void {
    const done = rows.filter((row) => row.through <= acknowledged);
    if (done.length === 0) return;
    rows = rows.filter((row) => row.through > acknowledged);
    const summary = acknowledged >= lastToken ? localSummary(headSeq) : undefined;
    const keys = done.map((row) => row.key);
    const asOf = database;
    void store.settle(host.id, keys, summary).then((result) => {
      if (!result.ok && asOf === database) {
        rows.push(...done);
        settleLater();
      }
      host.settled();
      return host.changed();
    });
  }

  /** Nobody else takes care of the rows of a living tab: while they stay, nothing is said to be saved. */
  function settleLater(): void {
    cancelSettling ??= clock.after(RETRY_BASE_MS, () => {
      cancelSettling = undefined;
      settle();
    });
  }

  async function compact(): Promise<void> {
    if (unfoldedRows === 0) return;
    unfoldedRows = 0;
    await store.compact(host.id, host.epoch());
  }

  return {
    local(token, update) {
      lastToken = Math.max(lastToken, token);
      waiting.local.push(update);
      // A tab can die at any moment, and a keystroke that is only in memory dies with it.
      if (behind) schedule(COALESCE_MS);
      else if (!writing) void flush();
    },
    remote(update) {
      waiting.remote.push(update);
      schedule(COALESCE_MS);
    },
    command(command) {
      waiting.commands.push(command);
      void flush();
    },
    adopt(key, through) {
      lastToken = Math.max(lastToken, through);
      rows.push({ key, through });
    },
    acknowledged(through, head) {
      acknowledged = Math.max(acknowledged, through);
      headSeq = Math.max(headSeq, head);
      if (acknowledged >= lastToken) host.acknowledged(localSummary(headSeq));
      settle();
    },
    rewrite(reason) {
      // Keys of a database that is gone may name other rows by now.
      if (reason === "reopened") {
        rows = [];
        database++;
      }
      behind = true;
      schedule(COALESCE_MS);
    },
    flush,
    compact,
    noteRows: (count) => void (unfoldedRows += count),
    unstored: () => onlyHere() || writing || anythingWaits(),
    unstoredEdits: () =>
      onlyHere() || writingEdits || behind || waiting.local.length > 0 || waiting.commands.length > 0,
    failing: () => failing,
    outbox: () => rows.map((row) => row.key),
    close() {
      cancelTimer?.();
      cancelTimer = undefined;
      cancelSettling?.();
    },
  };
}

const merged = (updates: readonly Uint8Array[]): Uint8Array | undefined =>
  updates.length > 1 ? Y.mergeUpdates([...updates]) : updates[0];
