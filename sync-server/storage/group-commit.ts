import type { CommitResult, Meters } from "#server/observability/meters.ts";
import { CommitError } from "./database.ts";
import type { CheckedStatement, StoreAnswer, StoreFailure } from "./sqlite-messages.ts";

export interface GroupCommitOptions {
  /**
   * at least so long from the start of one transaction to the next, in ms, so that a stream of single writes shares
   * them; a write that finds the queue idle for longer waits for the rest of its turn only
   */
  gatherMs: number;
  /** the most items one transaction takes */
  groupSize: number;
  /** items waiting beyond this are refused as unavailable */
  queueLimit: number;
  /** told of each transaction: its items and how long it took, in ms */
  onCommitted?: Meters["committed"];
}

interface Waiting {
  item: readonly CheckedStatement[];
  resolve: () => void;
  reject: (error: Error) => void;
}

/**
 * Gathers items of all callers into transactions, one at a time and in order (group commit; DeWitt et al.,
 * "Implementation Techniques for Main Memory Database Systems", 1984). While one transaction is being
 * written, the next one gathers, so that a busy queue never waits for its timer.
 */
export function createGroupCommit(
  write: (items: (readonly CheckedStatement[])[]) => Promise<StoreAnswer>,
  { gatherMs, groupSize, queueLimit, onCommitted }: GroupCommitOptions,
) {
  let queue: Waiting[] = [];
  let cancelTimer: (() => void) | undefined;
  let startedAt = -Infinity;
  const state: { writing: Promise<void> | undefined; closed: boolean } = { writing: undefined, closed: false };

  function flush(): void {
    cancelTimer?.();
    cancelTimer = undefined;
    if (state.writing || queue.length === 0) return;
    const group = queue.slice(0, groupSize);
    queue = queue.slice(groupSize);
    state.writing = writeGroup(group);
  }

  async function writeGroup(group: readonly Waiting[]): Promise<void> {
    startedAt = performance.now();
    const answer = await write(group.map(({ item }) => item));
    state.writing = undefined;
    onCommitted?.(group.length, performance.now() - startedAt, resultOf(answer));
    settle(group, answer);
    // What gathered meanwhile need not wait for the rest of this turn.
    if (queue.length >= groupSize || dueIn() <= 0) flush();
    else if (queue.length > 0) arm();
  }

  const dueIn = (): number => (state.closed ? 0 : startedAt + gatherMs - performance.now());
  const arm = (): void => void (cancelTimer ??= soon(flush, dueIn()));

  return {
    /** how many items wait for a transaction */
    size: (): number => queue.length,
    add(item: readonly CheckedStatement[]): Promise<void> {
      if (state.closed || queue.length >= queueLimit) return Promise.reject(new CommitError("unavailable"));
      return new Promise((resolve, reject) => {
        queue.push({ item, resolve, reject });
        if (queue.length >= groupSize) flush();
        else if (!state.writing) arm();
      });
    },
    /** Takes no more, writes what is queued and waits for it. */
    async close(): Promise<void> {
      state.closed = true;
      flush();
      while (state.writing) await state.writing;
    },
  };
}

/** Timers are right to a millisecond; less than half of one is not worth it. */
function soon(flush: () => void, ms: number): () => void {
  if (ms < 0.5) {
    const immediate = setImmediate(flush);
    return () => clearImmediate(immediate);
  }
  const timer = setTimeout(flush, ms);
  return () => clearTimeout(timer);
}

function resultOf(answer: StoreAnswer): CommitResult {
  if (answer.kind !== "outcomes") return "failed";
  const failures = answer.outcomes.filter((failure) => failure !== undefined);
  if (failures.length === 0) return "written";
  return failures.every(({ kind }) => kind === "unavailable") ? "failed" : "partly";
}

function settle(group: readonly Waiting[], answer: StoreAnswer): void {
  group.forEach(({ resolve, reject }, index) => {
    if (answer.kind === "outcomes") {
      const failure = answer.outcomes[index];
      return failure ? reject(errorOf(failure)) : resolve();
    }
    return reject(answer.kind === "failed" ? errorOf(answer.failure) : new CommitError("unavailable"));
  });
}

/** The error a caller sees: `CommitError` for what may happen, a plain error for a bug. */
export function errorOf(failure: StoreFailure): Error {
  const cause = Object.assign(new Error(failure.message), { code: failure.code });
  return failure.kind === "bug" ? cause : new CommitError(failure.kind, { cause });
}
