import { CommitError } from "#server/storage/database.ts";
import type { CommitStatement, Database } from "#server/storage/database.ts";
import type { RunTable } from "#server/storage/schema.ts";
import type { RunId } from "#shared/domain/ids.ts";
import type { Clock } from "./clock.ts";
import { createFrame } from "./frame.ts";
import type { Frame, LogBody } from "./frame.ts";
import { RUN_LIMITS } from "./run-timers.ts";
import { advanceRun, insertFrames, updateRun } from "./run-store.ts";

/** Frames of one commit; a database takes a bounded number of values. */
const FRAMES_PER_COMMIT = 500;

export interface RunLog {
  /** Numbers a frame and queues it. `set` and `also` are committed together with it. */
  append(body: LogBody, set?: Partial<RunTable>, also?: readonly CommitStatement[]): void;
  /** UTF-16 units that wait for the disk */
  readonly unwritten: number;
  /** the number of the last frame queued */
  readonly seq: number;
  /** Resolves when all that was queued so far is durable, or when the log is lost or closed. */
  durable(): Promise<void>;
  /** Answers whether the queue is short enough to go on, waiting at most `ms` for it. */
  hasRoom(ms: number): Promise<boolean>;
  /** Another writer has taken over, or this one was told to end: nothing is written any more. */
  readonly lost: boolean;
  close(): void;
}

interface Entry {
  frame: Frame;
  set: Partial<RunTable> | undefined;
  also: readonly CommitStatement[];
}

export interface RunLogOptions {
  database: Database;
  clock: Clock;
  id: RunId;
  leaseEpoch: number;
  /** the last frame that is durable */
  seq: number;
  timers: { logRetry: number; lease: number };
  /** Frames that have just become durable, in order: only now may anybody see them. */
  onDurable(frames: readonly Frame[]): void;
  /** The lease belongs to somebody else. */
  onLost(): void;
  onTrouble(error: unknown): void;
}

/**
 * The one writer of a run's log. Numbers are gapless, one commit is under way at a time, and each is
 * refused unless the lease is still ours and the log ends where we left it. While the store cannot write,
 * frames wait and the commit is tried again.
 */
export function openRunLog(options: RunLogOptions): RunLog {
  const { database, clock, id, leaseEpoch, timers } = options;
  let seq = options.seq;
  let durableSeq = options.seq;
  let queue: Entry[] = [];
  let unwritten = 0;
  let writing = false;
  let lost = false;
  const waiters = new Set<() => void>();

  const settle = (): void => {
    for (const waiter of waiters) waiter();
  };

  function until(condition: () => boolean, ms?: number): Promise<boolean> {
    if (condition()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const cancel = ms === undefined ? undefined : clock.after(ms, () => done(false));
      const check = (): void => {
        if (condition()) done(true);
      };
      const done = (answer: boolean): void => {
        cancel?.();
        waiters.delete(check);
        resolve(answer);
      };
      waiters.add(check);
    });
  }

  async function write(): Promise<void> {
    if (writing) return;
    writing = true;
    while (queue.length > 0 && !lost) {
      const batch = queue.slice(0, FRAMES_PER_COMMIT);
      if (await commit(batch)) {
        queue = queue.slice(batch.length);
        durableSeq += batch.length;
        for (const { frame } of batch) unwritten -= frame.json.length;
        options.onDurable(batch.map(({ frame }) => frame));
      }
      settle();
    }
    writing = false;
  }

  async function commit(batch: readonly Entry[]): Promise<boolean> {
    const where = { id, epoch: leaseEpoch, seq: durableSeq };
    const progress = { lease_until: clock.now() + timers.lease, seq: durableSeq + batch.length };
    const sets = batch.flatMap(({ set }) => set ?? []);
    try {
      await database.commit([
        sets.length === 0
          ? advanceRun(database, where, progress)
          : updateRun(
              database,
              where,
              Object.assign({ lease_until: progress.lease_until }, ...sets, { seq: progress.seq }),
            ),
        ...insertFrames(
          database,
          id,
          batch.map(({ frame }) => frame),
        ),
        ...batch.flatMap(({ also }) => also),
      ]);
      return true;
    } catch (error) {
      options.onTrouble(error);
      if (error instanceof CommitError && error.failure === "conflict") {
        lost = true;
        options.onLost();
      } else await new Promise<void>((resolve) => void clock.after(timers.logRetry, resolve));
      return false;
    }
  }

  return {
    append(body, set, also = []) {
      if (lost) return;
      seq += 1;
      const frame = createFrame(seq, body);
      queue.push({ frame, set, also });
      unwritten += frame.json.length;
      void write();
    },
    get unwritten() {
      return unwritten;
    },
    get seq() {
      return seq;
    },
    durable() {
      const goal = seq;
      return until(() => lost || durableSeq >= goal).then(() => undefined);
    },
    hasRoom: (ms) => until(() => lost || unwritten <= RUN_LIMITS.unwritten, ms),
    get lost() {
      return lost;
    },
    close() {
      lost = true;
      settle();
    },
  };
}
